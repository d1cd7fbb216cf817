import { ERROR_KINDS, type ErrorKind } from '../shared/domain/errors.ts';
import { type Clock, epochSeconds } from '../shared/ports/clock.ts';
import type { Log, LogFields } from '../shared/ports/log.ts';
import type { RecentError, SeenDevice } from './status/status.ts';

const ERRORS_KEPT = 50;
const DEVICES_KEPT = 500;

const textOf = (value: LogFields[string]): string | undefined => (value === undefined ? undefined : String(value));

/** Events without a `reason` of their own. */
const KINDS: Readonly<Record<string, ErrorKind>> = { 'broker.unreachable': 'broker_unreachable' };

const kindOf = (event: string, { kind, reason = kind }: LogFields): ErrorKind =>
  ERROR_KINDS.find((one) => one === reason) ?? KINDS[event] ?? 'internal';

/** What went through the log lately, for the status page: troubles, and who was here. All else goes on to the log as it is. */
export const recently = (log: Log, clock: Clock) => {
  const errors: RecentError[] = [];
  const devices = new Map<string, SeenDevice>();

  const trouble = (event: string, fields: LogFields): void => {
    const detail = textOf(fields.detail ?? fields.response ?? fields.error);
    const subject = textOf(fields.client_id ?? fields.mailbox_id ?? fields.submission_id ?? fields.address);
    errors.unshift({ at: epochSeconds(clock), kind: kindOf(event, fields), detail: detail ?? event, subject });
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
