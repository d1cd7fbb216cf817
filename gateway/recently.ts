import { ERROR_KINDS, type ErrorKind } from '../shared/domain/errors.ts';
import { type Clock, epochSeconds } from '../shared/ports/clock.ts';
import type { Log, LogFields } from '../shared/ports/log.ts';
import type { RecentError, SeenDevice } from './status/status.ts';

const ERRORS_KEPT = 50;
const DEVICES_KEPT = 500;

const textOf = (value: LogFields[string]): string | undefined => (value === undefined ? undefined : String(value));

/** Events without a `reason` of their own. */
const KINDS: Readonly<Record<string, ErrorKind>> = { 'broker.unreachable': 'broker_unreachable' };

/** Events whose name is all that the log says. */
const DETAILS: Readonly<Record<string, string>> = {
  'smtp.not_signed_in':
    'A device left without signing in. Set user name and password on it, and the encryption that the port asks for.',
};

/** Undefined for what is none of the broker's errors: then the detail says it all. */
const kindOf = (event: string, { kind, reason = kind }: LogFields): ErrorKind | undefined =>
  ERROR_KINDS.find((one) => one === reason) ?? KINDS[event];

/** A reason that is no kind is one in words. */
const detailOf = (event: string, fields: LogFields): string => {
  const { detail, response, error, reason } = fields;
  const inWords = kindOf(event, { reason }) === undefined ? reason : undefined;
  return textOf(detail ?? response ?? error ?? inWords) ?? DETAILS[event] ?? event;
};

/** What went through the log lately, for the status page: troubles, and who was here. All else goes on to the log as it is. */
export const recently = (log: Log, clock: Clock) => {
  const errors: RecentError[] = [];
  const devices = new Map<string, SeenDevice>();

  const trouble = (event: string, fields: LogFields): void => {
    const subject = textOf(fields.client_id ?? fields.mailbox_id ?? fields.submission_id ?? fields.address);
    errors.unshift({ at: epochSeconds(clock), kind: kindOf(event, fields), detail: detailOf(event, fields), subject });
    errors.length = Math.min(errors.length, ERRORS_KEPT);
  };

  const seen = (fields: LogFields, isMessage: boolean): void => {
    const clientId = textOf(fields.client_id);
    if (clientId === undefined) return;
    const before = devices.get(clientId);
    const now = epochSeconds(clock);
    const tls = textOf(fields.tls);
    const device: SeenDevice = {
      clientId,
      name: textOf(fields.client_name) ?? before?.name,
      address: textOf(fields.address) ?? before?.address ?? '',
      tlsVersion: isMessage ? before?.tlsVersion : tls === 'none' ? undefined : tls,
      signedInAt: isMessage ? before?.signedInAt : now,
      lastMessageAt: isMessage ? now : before?.lastMessageAt,
    };
    devices.delete(clientId);
    devices.set(clientId, device);
    const [oldest] = devices.keys();
    if (devices.size > DEVICES_KEPT && oldest !== undefined) devices.delete(oldest);
  };

  const watched: Log = {
    info(event, fields = {}) {
      if (/^(smtp|pop3|imap)\.signed_in$/.test(event)) seen(fields, false);
      if (event === 'smtp.accepted') seen(fields, true);
      log.info(event, fields);
    },
    warn(event, fields = {}) {
      trouble(event, fields);
      log.warn(event, fields);
    },
    error(event, fields = {}) {
      trouble(event, fields);
      log.error(event, fields);
    },
  };
  return {
    log: watched,
    errors: (): readonly RecentError[] => errors,
    devices: (): readonly SeenDevice[] => [...devices.values()].reverse(),
  };
};

export type Recently = ReturnType<typeof recently>;
