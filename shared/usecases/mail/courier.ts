import { type BrokerError, passesByItself } from '../../domain/errors.ts';
import type { ServedMailbox } from '../../domain/gateway.ts';
import type { Route } from '../../domain/outbox.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import {
  type AttemptFailure,
  type AttemptOutcome,
  blobKeyOf,
  pendingRecipients,
  type Submission,
} from '../../domain/submission.ts';
import { DEFAULT_MIN_TTL_SECONDS } from '../../domain/timing.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { MailSession, MailTransport } from '../../ports/mail-transport.ts';
import type { MessageFormat } from '../../ports/message-format.ts';
import type { Records } from '../../records/index.ts';
import type { AcquireAccessToken } from '../grants/acquire-access-token.ts';

/** A message that can go: all that comes before it is done. */
export interface Errand {
  /** One try. Only from here on may the server have it. */
  send(): Promise<AttemptOutcome>;
  /** It does not go after all. */
  drop(): void;
}

/** Takes messages of one mailbox, one after the other, and keeps the connection between them. */
export interface Courier {
  /** Token, connection and content of one try. `newToken`: with another access token than the one before. */
  prepare(submission: Submission, route: Route, newToken: boolean): Promise<Result<Errand, AttemptFailure>>;
  close(): Promise<void>;
}

export type OpenCourier = (mailbox: ServedMailbox) => Courier;

interface Connection {
  readonly route: Route;
  readonly session: MailSession;
  /** Epoch seconds; providers end a connection with the token that opened it (facts G11b). */
  readonly tokenExpiresAt: number;
}

const withoutToken = (error: BrokerError): AttemptFailure => {
  const { kind: reason, detail: response = error.kind, retryAfterSeconds } = error;
  if (!passesByItself(error)) return { outcome: 'held', reason, response };
  const wait = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return { outcome: 'deferred', reason, response, mailboxWide: true, ...wait };
};

/** An access token of the mailbox that lives for so long, or the newest there is. */
export type TokenFor = (
  mailbox: ServedMailbox,
  audience: Route,
  minTtlSeconds: number,
) => Promise<Result<{ readonly accessToken: string; readonly expiresAt: number }, BrokerError>>;

interface CourierOptions {
  readonly blobs: Pick<BlobStore, 'open'>;
  readonly transports: Readonly<Record<Route, MailTransport>>;
  readonly messageFormat: Pick<MessageFormat, 'sendAs'>;
  readonly tokenFor: TokenFor;
  readonly clock: Clock;
}

export const makeCourier =
  ({ blobs, transports, messageFormat, tokenFor, clock }: CourierOptions): OpenCourier =>
  (mailbox) => {
    let connection: Connection | undefined;

    const close = async (): Promise<void> => {
      await connection?.session.close();
      connection = undefined;
    };

    const connect = async (route: Route, minTtlSeconds: number): Promise<Result<Connection, AttemptFailure>> => {
      const token = await tokenFor(mailbox, route, minTtlSeconds);
      if (!token.ok) return fail(withoutToken(token.error));
      const { accessToken, expiresAt } = token.value;
      const opened = await transports[route].open({
        provider: mailbox.provider,
        address: mailbox.address,
        accessToken,
      });
      return opened.ok ? ok({ route, session: opened.value, tokenExpiresAt: expiresAt }) : opened;
    };

    const connected = async (route: Route, newToken: boolean): Promise<Result<Connection, AttemptFailure>> => {
      const isGood =
        !newToken &&
        connection?.session.isOpen &&
        connection.route === route &&
        connection.tokenExpiresAt - epochSeconds(clock) >= DEFAULT_MIN_TTL_SECONDS;
      if (connection && isGood) return ok(connection);
      await close();
      const made = await connect(route, newToken ? Number.MAX_SAFE_INTEGER : DEFAULT_MIN_TTL_SECONDS);
      if (made.ok) connection = made.value;
      return made;
    };

    return {
      close,
      async prepare(submission, route, newToken) {
        const made = await connected(route, newToken);
        if (!made.ok) return made;
        const { session } = made.value;
        const blob = await blobs.open(blobKeyOf(submission.id));
        if (blob === undefined) {
          const response = 'The stored message is gone.';
          return fail({ outcome: 'failed', reason: 'internal', response, withoutContact: true });
        }
        const { envelope, eightBit = false, senderRewritten } = submission;
        const resent = senderRewritten ? messageFormat.sendAs(blob.stream, mailbox.address) : undefined;
        const content = resent ?? blob.stream;
        const sizeBytes = blob.sizeBytes + ((await resent?.growthBytes) ?? 0);
        const to = pendingRecipients(submission);
        return ok({
          send: () => session.send({ envelope: { from: envelope.from, to }, content, sizeBytes, eightBit }),
          drop: () => content.destroy(),
        });
      },
    };
  };

/** With tokens like a device's, out of the broker's own cache. */
export const makeOpenCourier = ({
  records,
  acquireAccessToken,
  ...options
}: Omit<CourierOptions, 'tokenFor'> & {
  readonly records: Pick<Records, 'grants'>;
  readonly acquireAccessToken: AcquireAccessToken;
}): OpenCourier =>
  makeCourier({
    ...options,
    async tokenFor(mailbox, audience, minTtlSeconds) {
      const { grant, revision, tokens } = await records.grants.getWithTokens(mailbox.id, [audience]);
      const cached = { grant: { grant, revision }, token: tokens[0] };
      return acquireAccessToken({ mailbox, audience, minTtlSeconds }, cached);
    },
  });
