import type { Duration } from 'aws-cdk-lib';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { GRANT_VISIBILITY, MAIL_VISIBILITY } from '../../functions/timing.ts';
import type { BrokerAlarm } from '../alarm.ts';
import { BURST, burstOf, percentDone, percentOf } from '../arithmetic.ts';
import { brokerMetrics, reading } from '../metrics.ts';
import type { Watched } from '../watched.ts';

const HOUR = { statistic: 'Sum', minutes: 60 } as const;
const HALF_HOUR = { statistic: 'Sum', minutes: 30 } as const;

const notFlowing = ({ settings }: Watched): BrokerAlarm => {
  const { whole } = brokerMetrics(settings.name);
  return {
    id: 'mail-not-flowing',
    section: 'Mail does not flow',
    act: 'at once',
    means:
      'In each half of the last hour, less than half as many messages have been sent as were accepted. The others wait, and are not lost; or they have failed, and their organizations are told.',
    remedy:
      'Read reason and response of outbox.paused and outbox.held in the log of relay-mail/send. If there are none, look at its errors and throttles, and at the age of the mail queue.',
    // Nothing but what was accepted: not the mail of gateways, nor notices, nor what a person has had sent again.
    metric: percentDone(whole('SubmissionsRelayed', HALF_HOUR), whole('SubmissionsAccepted', HALF_HOUR), {
      ...{ atLeast: 5, minutes: 30 },
      label: 'Sent of what was accepted, per cent',
    }),
    bad: { below: 50 },
    // What has just come in is not sent yet: five messages after a quiet hour, or 200 of one mailbox, which take seven minutes
    // at 30 a minute. Half an hour later they are sent, and make up for it, unless nothing goes.
    periods: { bad: 2, of: 2 },
    missing: 'nothing happened',
    quietMeans: 'mended',
  };
};

const slowly = ({ settings }: Watched): BrokerAlarm => ({
  id: 'time-to-send',
  section: 'Mail does not flow',
  act: 'today',
  means: 'For three quarters of an hour, half of the messages sent have been under way for more than 5 minutes.',
  remedy:
    'Look for outbox.paused (a mail server asks to be spared), and for mailboxes that send more than their 30 messages a minute: they need a second mailbox. After an outage or a new sign-in, mail that had waited goes: wait.',
  metric: brokerMetrics(settings.name).whole('SubmissionSeconds', { statistic: 'p50', minutes: 15 }),
  bad: { above: 300 },
  // Half, and for long: the mail that one mailbox had held for days goes at once after its sign-in.
  periods: { bad: 3, of: 3 },
  missing: 'nothing happened',
  quietMeans: 'mended',
});

const manyFail = ({ settings }: Watched): BrokerAlarm => {
  const { whole } = brokerMetrics(settings.name);
  return {
    id: 'submissions-failed',
    section: 'Many messages fail',
    act: 'today',
    means:
      'In the last hour, more than a tenth of the messages that came to their end reached nobody. Their organizations are told of each.',
    remedy:
      'Count submission.failed by reason in the log of relay-mail/send: one reason or one mailbox shows what to mend; then send them again from the console.',
    metric: percentOf([whole('SubmissionsFailed', HOUR)], whole('SubmissionsSent', HOUR), {
      ...{ atLeast: 10, minutes: 60 },
      label: 'Messages failed, per cent',
    }),
    bad: { above: 10 },
    periods: { bad: 1, of: 1 },
    missing: 'nothing happened',
    quietMeans: 'mended',
  };
};

const manyHeld = ({ settings }: Watched): BrokerAlarm => {
  const { whole } = brokerMetrics(settings.name);
  return {
    id: 'outboxes-held',
    section: 'The mail of many mailboxes is held',
    act: 'today',
    means:
      'Within an hour the mail of far more mailboxes than by chance has come to need a person. It waits for up to 30 days; owners and administrators are told one by one.',
    remedy:
      'Count outbox.held by reason in the log of relay-mail/send: one reason for all (SMTP switched off, sign-ins ended) is mended once, by whoever changed it.',
    metric: burstOf(whole('OutboxesHeld', HOUR), whole('GrantsRefreshed', HOUR), 'Mailboxes held, beyond chance'),
    bad: { above: BURST },
    periods: { bad: 1, of: 1 },
    missing: 'nothing happened',
    quietMeans: 'forgotten',
  };
};

const deadLetters = (id: string, queue: IQueue, what: string): BrokerAlarm => ({
  id,
  section: 'Dead letters and old messages',
  act: 'today',
  means: `A message to the ${what} was set aside after five tries: a bug, or something that was away for long. What it asked for is found again by the sweep.`,
  remedy:
    'Read message.failed in the log of the function, mend the cause, then redrive the dead letters, or purge them.',
  metric: queue.metricApproximateNumberOfMessagesVisible(reading({ statistic: 'Maximum', minutes: 5 })),
  bad: { atLeast: 1 },
  periods: { bad: 1, of: 1 },
  // A queue that nobody touches tells nothing; what lies in it lies there still.
  missing: 'not known',
  quietMeans: 'mended',
});

/** As long as a message may rightly be in the hands of a function that died, and a little more. */
const SPARE_MINUTES = 5;

const old = (id: string, queue: IQueue, visibility: Duration, what: string): BrokerAlarm => {
  const minutes = visibility.toMinutes() + SPARE_MINUTES;
  return {
    id,
    section: 'Dead letters and old messages',
    act: 'at once',
    means: `A message to the ${what} has been in its queue for more than ${minutes} minutes: longer than one failed try explains.`,
    remedy: 'Look at errors and throttles of the function, and whether the trigger of its queue is enabled.',
    metric: queue.metricApproximateAgeOfOldestMessage(reading({ statistic: 'Maximum', minutes: 5 })),
    bad: { above: minutes * 60 },
    periods: { bad: 2, of: 3 },
    missing: 'nothing happened',
    quietMeans: 'mended',
  };
};

export const mailAlarms = (watched: Watched): readonly BrokerAlarm[] => {
  const { grantDeadLetters, mailDeadLetters, grantQueue, mailQueue } = watched.stateful;
  const [refresher, sender] = ['refresher (refresh-grants/worker)', 'sender of mail (relay-mail/send)'];
  return [
    notFlowing(watched),
    slowly(watched),
    manyFail(watched),
    manyHeld(watched),
    deadLetters('grant-dead-letters', grantDeadLetters, refresher),
    deadLetters('mail-dead-letters', mailDeadLetters, sender),
    old('grant-queue-age', grantQueue, GRANT_VISIBILITY, refresher),
    // A function may be at work on a mailbox for as long; then one that died is waited for.
    old('mail-queue-age', mailQueue, MAIL_VISIBILITY.plus(MAIL_VISIBILITY), sender),
  ];
};
