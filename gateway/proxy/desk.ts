import type { Dialect } from '../../shared/adapters/mail-probe/dialect.ts';
import type { ReceiveProtocol } from '../../shared/domain/connection-test.ts';
import type { ServedDevice } from '../../shared/domain/gateway.ts';
import { fail, ok, type Result } from '../../shared/domain/result.ts';
import type { DeviceConnection } from './device-connection.ts';
import { makeOpenMailbox } from './open-mailbox.ts';
import type { ProxyDeps, ProxyLimits } from './options.ts';
import type { ProviderSession } from './provider-session.ts';
import { languageOf, type Refusal, refusalBy } from './refusal.ts';
import type { Credentials } from './sasl.ts';

export interface SignedIn {
  readonly device: ServedDevice;
  readonly session: ProviderSession;
  /** Another session of the same device, with a token of then. */
  reopen(): Promise<Result<ProviderSession, Refusal>>;
}

/** Where a device's credential is taken, and a session at the provider given for it. The password goes no further. */
export type Desk = (credentials: Credentials, from: DeviceConnection) => Promise<Result<SignedIn, Refusal>>;

export interface DeskOptions {
  /** In the log. */
  readonly name: 'pop3' | 'imap';
  readonly protocol: ReceiveProtocol;
  readonly dialect: Dialect;
  readonly limits: ProxyLimits;
  readonly deps: ProxyDeps;
}

export const makeDesk = ({ name, protocol, dialect, limits, deps }: DeskOptions): Desk => {
  const { devices, log, metrics } = deps;
  const openMailbox = makeOpenMailbox({ protocol, dialect, openMs: limits.openMs }, deps);

  return async (credentials, { address, tlsVersion }) => {
    const refused = (refusal: Refusal, clientId?: string): Result<never, Refusal> => {
      const { kind, detail } = refusal.error;
      log.warn(`${name}.sign_in_refused`, { address, client_id: clientId, kind, detail });
      metrics.refused(kind);
      return fail(refusal);
    };

    const proven = await devices.signIn({ ...credentials, defaultSlot: 'receive', address });
    if (!proven.ok) return refused(refusalBy(proven.error, languageOf(undefined)));
    const device = proven.value;
    const { clientId, slot, mailbox } = device;
    const opened = await openMailbox(device);
    if (!opened.ok) return refused(opened.error, clientId);
    log.info(`${name}.signed_in`, {
      address,
      client_id: clientId,
      client_name: device.metadata.clientName,
      slot,
      mailbox_id: mailbox.id,
      tls: tlsVersion ?? 'none',
    });
    metrics.signedIn();
    return ok({ device, session: opened.value, reopen: () => openMailbox(device) });
  };
};
