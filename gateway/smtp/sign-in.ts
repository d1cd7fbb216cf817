import type { BrokerError } from '../../shared/domain/errors.ts';
import type { ServedDevice } from '../../shared/domain/gateway.ts';
import { CLIENT_ID_LENGTH, PANEL_ALPHABET } from '../../shared/domain/identifiers.ts';
import { fail, ok, type Result } from '../../shared/domain/result.ts';
import { type SmtpReply, smtpReplyOf } from '../../shared/protocol/smtp-reply.ts';
import type { SmtpDeps } from './options.ts';

/** TLS as it was agreed on. */
export interface TlsInUse {
  readonly version: string;
  readonly cipher: string;
}

/** Who is at the other end, as far as it can be told without their word. */
export interface Client {
  readonly address: string;
  readonly tls: TlsInUse | undefined;
}

const CLIENT_ID = new RegExp(`^[${PANEL_ALPHABET}]{${CLIENT_ID_LENGTH}}(\\+[\\w:.@-]{1,70})?$`);

/** A name goes into the log where it has the shape of a client id: what else stands in that field may be the password. */
const userInLog = (user: string): string => {
  const name = user.toLowerCase();
  return CLIENT_ID.test(name) ? name : '(not a client id)';
};

export interface SignIn {
  byPassword(client: Client, user: string, password: string): Promise<Result<ServedDevice, BrokerError>>;
  /** Undefined: the address is not listed. */
  byAddress(client: Client): Promise<Result<ServedDevice, SmtpReply> | undefined>;
}

export const makeSignIn = ({ devices, log, metrics }: SmtpDeps): SignIn => {
  const settle = (
    result: Result<ServedDevice, BrokerError>,
    { address, tls }: Client,
    by: { readonly method: 'password' | 'address'; readonly client_id?: string },
  ): void => {
    const connection = { address, tls: tls?.version ?? 'none', cipher: tls?.cipher };
    metrics.signIn(result.ok ? 'accepted' : result.error.kind);
    if (result.ok) {
      const { clientId, slot, metadata } = result.value;
      const who = { client_id: clientId, client_name: metadata.clientName, slot };
      log.info('smtp.signed_in', { ...by, ...who, ...connection });
    } else log.warn('smtp.sign_in_refused', { ...by, kind: result.error.kind, ...connection });
  };
  return {
    async byPassword(client, user, password) {
      const result = await devices.signIn({ user, password, defaultSlot: 'scan', address: client.address });
      settle(result, client, { method: 'password', client_id: userInLog(user) });
      return result;
    },
    async byAddress(client) {
      const result = await devices.listed(client.address);
      if (result === undefined) return undefined;
      settle(result, client, { method: 'address' });
      return result.ok ? ok(result.value) : fail(smtpReplyOf(result.error, 'en'));
    },
  };
};
