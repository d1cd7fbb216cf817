import type { BrokerAlarm } from '../alarm.ts';
import { BURST, burstOf, percentOf } from '../arithmetic.ts';
import { brokerMetrics } from '../metrics.ts';
import { PROVIDERS, type Watched } from '../watched.ts';

/** For these a device, its owner and the mailbox's can do nothing: broker, vault or provider must be mended. */
export const BROKERS_FAULT = [
  'vault_unavailable',
  'stored_sign_in_missing',
  'stored_sign_in_unreadable',
  'app_registration_refused',
  'provider_unavailable',
] as const;

const refused = ({ settings }: Watched): BrokerAlarm => {
  const { of, whole } = brokerMetrics(settings.name);
  const how = { statistic: 'Sum', minutes: 5 } as const;
  return {
    id: 'tokens-refused',
    section: 'Devices are refused tokens',
    act: 'at once',
    means:
      'For ten minutes, more than 5 % of the devices that asked for a token have got none, through no fault of theirs.',
    remedy:
      'Look at "Refused, by kind" on the dashboard: the kind says whether it is the vault, an app registration, a provider or a bug.',
    metric: percentOf(
      BROKERS_FAULT.map((kind) => of('TokensRefused', kind, how)),
      whole('TokensIssued', how),
      { atLeast: 5, minutes: 5, label: 'Refused by fault of broker or provider, per cent' },
    ),
    bad: { above: 5 },
    periods: { bad: 2, of: 2 },
    missing: 'nothing happened',
    quietMeans: 'mended',
  };
};

const wrongSecrets = ({ settings }: Watched): BrokerAlarm => ({
  id: 'wrong-secrets',
  section: 'Wrong secrets',
  act: 'today',
  means:
    'Within a quarter of an hour 300 wrong secrets, keys or tokens have been presented: a hundred devices with an old secret, or somebody who guesses.',
  remedy:
    'Count attempt.refused by claimed and by place in the logs: one place is a guesser, many are devices that need a new secret. Guessers are slowed down by themselves.',
  metric: brokerMetrics(settings.name).whole('AttemptsRefused', { statistic: 'Sum', minutes: 15 }),
  // A device that goes on with an old one is locked, and counted once in five minutes (docs/operations.md).
  bad: { atLeast: 300 },
  periods: { bad: 1, of: 1 },
  missing: 'nothing happened',
  quietMeans: 'mended',
});

const refreshesFail = ({ settings }: Watched): readonly BrokerAlarm[] => {
  const { of } = brokerMetrics(settings.name);
  const how = { statistic: 'Sum', minutes: 15 } as const;
  return Object.entries(PROVIDERS).map(([provider, called]) => ({
    id: `refreshes-failed-${provider}`,
    section: 'Refreshes fail',
    act: 'at once',
    means: `For half an hour, more than a quarter of the refreshes at ${called} have failed. Devices live on cached tokens, for an hour at most; no sign-in is lost. Where a provider is out of order, refreshes pause, and provider-paused-${provider} tells of it.`,
    remedy:
      'Read kind and code of grant.refresh_failed in the log of refresh-grants/worker: the vault is yours to mend, the provider is to be waited for.',
    // Of a single mailbox the tries become rare; five in a quarter of an hour are several mailboxes.
    metric: percentOf([of('RefreshesFailed', provider, how)], of('GrantsRefreshed', provider, how), {
      ...{ atLeast: 5, minutes: 15 },
      label: `Refreshes failed at ${called}, per cent`,
    }),
    bad: { above: 25 },
    periods: { bad: 2, of: 2 },
    missing: 'nothing happened',
    quietMeans: 'mended',
  }));
};

const refreshesLate = ({ settings }: Watched): BrokerAlarm => ({
  id: 'oldest-due',
  section: 'Refreshes are late',
  act: 'at once',
  means:
    'For a quarter of an hour there has been a mailbox whose token should have been renewed more than 10 minutes before. Tokens are renewed 15 minutes before they end.',
  remedy:
    'After an outage it is being caught up with, 600 a second: wait. Else look for errors or throttles of refresh-grants/worker and for the age of its queue.',
  metric: brokerMetrics(settings.name).whole('OldestDueSeconds', { statistic: 'Maximum', minutes: 5 }),
  bad: { above: 600 },
  periods: { bad: 3, of: 3 },
  // Nothing is counted while nothing is due; that nothing looks is told by the heartbeat.
  missing: 'nothing happened',
  quietMeans: 'mended',
});

const providersPaused = ({ settings }: Watched): readonly BrokerAlarm[] => {
  const { of } = brokerMetrics(settings.name);
  return Object.entries(PROVIDERS).map(([provider, called]) => ({
    id: `provider-paused-${provider}`,
    section: 'A provider pauses for long',
    act: 'at once',
    means: `For half an hour, and most of it, refreshes at ${called} have paused: it fails, asks to be spared or refuses the broker's app registration. Cached tokens begin to run out; mail waits and is not lost.`,
    remedy:
      "Read cause, code and detail of provider.paused in the log of refresh-grants/worker, and the provider's status page. It goes on by itself.",
    // Told by the sweep of each minute: a pause that was asked for in one word, for an hour, is as long as one that fault after
    // fault prolongs.
    metric: of('ProviderPauseMinutes', provider, { statistic: 'Sum', minutes: 15 }),
    // More than half. Where it asks for a minute or two each time, refreshes fail often enough to be told of themselves.
    bad: { atLeast: 8 },
    periods: { bad: 2, of: 2 },
    missing: 'nothing happened',
    quietMeans: 'mended',
  }));
};

/** What is logged once, and stays until somebody acts: shown for an hour, or for the day, and told anew after that. */
const once = {
  bad: { atLeast: 1 },
  periods: { bad: 1, of: 1 },
  missing: 'nothing happened',
  quietMeans: 'forgotten',
} as const;

const HOUR = { statistic: 'Sum', minutes: 60 } as const;

const registrations = ({ settings }: Watched): readonly BrokerAlarm[] => {
  const { whole } = brokerMetrics(settings.name);
  const section = 'App registrations and client secrets';
  return [
    {
      ...once,
      id: 'registration-refused',
      section,
      act: 'at once',
      means: 'A provider refuses an app registration: no mailbox under it can be refreshed or signed in. None is lost.',
      remedy:
        'Read app_registration.refused in the log of refresh-grants/worker. Without organization_id it is yours: put a new client secret into the secret provider-config. With it, tell that organization.',
      metric: whole('AppRegistrationsRefused', HOUR),
    },
    {
      ...once,
      id: 'client-secret-expiring',
      section,
      act: 'today',
      means:
        'A client secret expires within 60, 30, 7 or 1 days, has expired, or is refused while a second one still works.',
      remedy:
        'Make a new one at the provider and enter both in the secret provider-config; remove the old one when it has expired.',
      metric: whole('ClientSecretsExpiring', { statistic: 'Sum', minutes: 1440 }),
    },
    {
      ...once,
      id: 'config-not-reloaded',
      section,
      act: 'today',
      means:
        'The document with the app registrations was changed and cannot be read or makes no sense. What was known before goes on, until functions start anew.',
      remedy:
        'Read reason of config.not_reloaded, and mend the secret provider-config; it is read again within minutes.',
      metric: whole('ConfigsNotReloaded', HOUR),
    },
  ];
};

const notStored = ({ settings }: Watched): BrokerAlarm => ({
  ...once,
  id: 'refresh-token-not-stored',
  section: 'A refresh token was not stored',
  act: 'at once',
  means:
    'A provider gave a new refresh token and the vault did not take it. Where the provider retires used tokens, that mailbox must be signed in again.',
  remedy:
    'Look at Secrets Manager (or the table) in the AWS Health Dashboard, and at mailbox_id of grant.refresh_token_not_stored: if its next refresh fails, have it signed in again.',
  metric: brokerMetrics(settings.name).whole('RefreshTokensNotStored', HOUR),
});

const manyInvalid = ({ settings }: Watched): BrokerAlarm => {
  const { whole } = brokerMetrics(settings.name);
  return {
    id: 'grants-invalid',
    section: 'Many sign-ins end at once',
    act: 'at once',
    means:
      'Within an hour far more sign-ins have ended than do by chance: somebody changed a policy, a consent or many passwords. Their owners are told one by one.',
    remedy:
      'Read code and detail of grant.invalid in the log of refresh-grants/worker; one code or one organization tells whom to talk to, before all of them sign in again in vain.',
    metric: burstOf(whole('GrantsInvalidated', HOUR), whole('GrantsRefreshed', HOUR), 'Sign-ins ended, beyond chance'),
    bad: { above: BURST },
    periods: { bad: 1, of: 1 },
    missing: 'nothing happened',
    quietMeans: 'forgotten',
  };
};

const crashed = ({ settings }: Watched): BrokerAlarm => ({
  ...once,
  id: 'request-crashed',
  section: 'A request crashed',
  act: 'today',
  means: 'A request was answered with 500, which is a bug, or with 503, as a service of AWS did not answer in time.',
  remedy:
    'Find request.crashed in the logs. With the kind internal report it with the line, and if it came with a deployment, deploy the version before; what is store_unavailable passes by itself.',
  metric: brokerMetrics(settings.name).whole('RequestsCrashed', HOUR),
});

export const tokenAlarms = (watched: Watched): readonly BrokerAlarm[] => [
  refused(watched),
  wrongSecrets(watched),
  ...refreshesFail(watched),
  refreshesLate(watched),
  ...providersPaused(watched),
  ...registrations(watched),
  notStored(watched),
  manyInvalid(watched),
  crashed(watched),
];
