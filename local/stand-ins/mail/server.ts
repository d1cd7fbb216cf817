import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { openDatabase } from '../../../shared/adapters/sqlite/open-database.ts';
import { type ProviderName, sameAddress } from '../../../shared/domain/provider.ts';
import { faultBoard, type Times } from '../faults.ts';
import { clientHost, listenOn } from '../http.ts';
import { STAND_IN_DOMAINS } from '../identity/accounts.ts';
import type { TokenVerdict } from '../identity/token-check.ts';
import type { StandInCertificate } from './certificate.ts';
import { acceptedText, asError, GOOGLE_CHALLENGE, REFUSALS, sendAsDenied } from './replies.ts';
import { type Delivery, type MailStore, mailStore, type ReceivedMessage } from './store.ts';

/** Exchange Online's default for a mailbox; Gmail takes about as much (facts M19, G18). */
const SIZE_LIMIT_BYTES = 35 * 1024 * 1024;

export type MailPlace = 'CONNECT' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA';

export type MailFault =
  /** In place of the usual reply; at DATA, after the whole message, which is not kept. */
  | { readonly kind: 'reply'; readonly code: number; readonly text: string }
  /** At DATA only: the connection ends after the whole message and before the reply. */
  | { readonly kind: 'drop'; readonly message: 'kept' | 'lost' };

export interface MailOptions {
  readonly host: string;
  /** 0, or one that is taken: any free one. */
  readonly smtpPort: number;
  readonly databasePath: string;
  /** Where the messages go. */
  readonly folder: string;
  readonly certificate: StandInCertificate;
  /** Whether a provider's mail server would take it for `smtp`, and for whom. */
  readonly verifyToken: (accessToken: string) => Promise<TokenVerdict>;
}

export interface MailCounters {
  readonly connectionsNow: number;
  readonly connectionsAtMost: number;
  /** Signed-in connections at once, the most there ever were, by user. */
  readonly atMostByUser: Readonly<Record<string, number>>;
  readonly messages: number;
  readonly signIns: number;
  /** By reason: those of `TokenVerdict`, and `other_user`. */
  readonly refusedSignIns: Readonly<Record<string, number>>;
}

export interface MailStandIn {
  /** As a client must name it for the certificate to fit. */
  readonly host: string;
  readonly port: number;
  readonly list: MailStore['list'];
  readonly get: MailStore['get'];
  readonly open: MailStore['open'];
  /** Mail that came by another way lies with the rest. */
  keep(content: AsyncIterable<Buffer>, delivery: Delivery): Promise<ReceivedMessage>;
  setFault(place: MailPlace, fault: MailFault | undefined, times?: Times): void;
  clearFaults(): void;
  counters(): MailCounters;
  close(): Promise<void>;
}

interface SignedIn {
  readonly provider: ProviderName;
  readonly address: string;
}

/** A submission server (RFC 6409) that takes XOAUTH2 alone, after STARTTLS, and keeps what it accepts. */
export const startMailStandIn = async (options: MailOptions): Promise<MailStandIn> => {
  const { verifyToken, certificate } = options;
  const database = openDatabase(options.databasePath);
  const store = await mailStore(database, options.folder);
  const board = faultBoard<MailPlace, MailFault>();
  const tally = connectionTally();
  const sockets = new Map<string, Socket>();

  /** The fault's reply as an error for smtp-server, if one is due. */
  const faultAt = (place: Exclude<MailPlace, 'DATA'>): Error | null => {
    const fault = board.take(place);
    return fault?.kind === 'reply' ? asError(fault) : null;
  };

  const signIn = async (user: string, accessToken: string): Promise<SignedIn | string> => {
    const verdict = await verifyToken(accessToken);
    if (verdict.outcome === 'refused') return verdict.why;
    return sameAddress(verdict.address, user) ? verdict : 'other_user';
  };

  const takeMessage = async (stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string | Error> => {
    const { provider, address: user }: SignedIn = session.user;
    const { mailFrom, rcptTo } = session.envelope;
    const envelopeFrom = mailFrom === false ? '' : mailFrom.address;
    const draft = await store.receive(stream);
    const refuse = async (refusal: { readonly code: number; readonly text: string }): Promise<Error> => {
      await store.discard(draft);
      return asError(refusal);
    };
    if (stream.sizeExceeded) return refuse(REFUSALS[provider].tooLarge);
    if (!sameAddress(envelopeFrom, user)) return refuse(sendAsDenied(user, envelopeFrom));
    const fault = board.take('DATA');
    if (fault?.kind === 'reply') return refuse(fault);
    if (fault?.message === 'lost') {
      sockets.get(session.id)?.destroy();
      return refuse({ code: 421, text: '4.4.2 Connection dropped' });
    }
    const { name: cipher, version: tlsVersion } = session.tlsOptions || { name: '', version: '' };
    const envelopeTo = rcptTo.map(({ address }) => address);
    const delivery = { provider, user, envelopeFrom, envelopeTo, tlsVersion, cipher, mechanism: 'XOAUTH2' };
    const message = await store.keep(draft, delivery);
    tally.kept();
    if (fault !== undefined) sockets.get(session.id)?.destroy();
    return acceptedText(provider, message.id);
  };

  const server = new SMTPServer({
    name: 'stand-in.mail',
    key: certificate.key,
    cert: certificate.certificate,
    minVersion: 'TLSv1.2',
    size: SIZE_LIMIT_BYTES,
    authMethods: ['XOAUTH2'],
    authRequiredMessage: REFUSALS.microsoft.notSignedIn.text,
    // A look-up of the client's name would leave the machine.
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 1000,
    onConnect: (session, callback) => {
      tally.connected();
      // Neither provider offers AUTH in the clear; smtp-server would.
      session.disabledCommands = ['AUTH'];
      callback(faultAt('CONNECT'));
    },
    onSecure: (socket, session, callback) => {
      sockets.set(session.id, socket);
      session.disabledCommands = [];
      callback();
    },
    onClose: (session) => {
      sockets.delete(session.id);
      tally.closed(session.id);
    },
    onAuth: ({ username = '', accessToken = '' }, session, callback) => {
      const fault = faultAt('AUTH');
      if (fault !== null) return callback(fault);
      signIn(username, accessToken).then((outcome) => {
        if (typeof outcome !== 'string') {
          tally.signedIn(session.id, outcome.address);
          return callback(null, { user: outcome });
        }
        tally.refused(outcome);
        if (!username.toLowerCase().endsWith(`@${STAND_IN_DOMAINS.google}`))
          return callback(asError(REFUSALS.microsoft.signIn));
        answerLikeGmail(server, session.id);
        callback(null, { data: GOOGLE_CHALLENGE });
      }, callback);
    },
    // Where AUTH is not offered, smtp-server does not ask for it either.
    onMailFrom: (_, session, callback) =>
      callback(session.user ? faultAt('MAIL') : asError(REFUSALS.microsoft.notSignedIn)),
    onRcptTo: (_, __, callback) => callback(faultAt('RCPT')),
    onData: (stream, session, callback) => {
      takeMessage(stream, session).then(
        (outcome) => (typeof outcome === 'string' ? callback(null, outcome) : callback(outcome)),
        callback,
      );
    },
  });
  // A client that breaks off a handshake is the client's matter.
  server.on('error', () => undefined);

  const port = await listenOn(server.server, options.host, options.smtpPort);
  return {
    host: clientHost(options.host),
    port,
    list: store.list,
    get: store.get,
    open: store.open,
    keep: async (content, delivery) => {
      const message = await store.keep(await store.receive(Readable.from(content)), delivery);
      tally.kept();
      return message;
    },
    setFault: board.set,
    clearFaults: board.clear,
    counters: tally.counters,
    close: async () => {
      for (const socket of sockets.values()) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      database.close();
    },
  };
};

/** After its challenge smtp-server says a 535 of its own; this puts Gmail's in its place, for one connection. */
const answerLikeGmail = (server: SMTPServer, sessionId: string): void => {
  const connection = [...server.connections].find(({ id }) => id === sessionId);
  if (connection === undefined) return;
  const { code, text } = REFUSALS.google.signIn;
  const send = connection.send.bind(connection);
  connection.send = (sent, data, context) => send(sent, sent === code ? text : data, context);
};

const connectionTally = () => {
  const users = new Map<string, string>();
  const atMostByUser: Record<string, number> = {};
  const refusedSignIns: Record<string, number> = {};
  let [now, atMost, signIns, messages] = [0, 0, 0, 0];
  return {
    connected: (): void => {
      now += 1;
      atMost = Math.max(atMost, now);
    },
    closed: (sessionId: string): void => {
      now -= 1;
      users.delete(sessionId);
    },
    signedIn: (sessionId: string, user: string): void => {
      signIns += 1;
      users.set(sessionId, user);
      const atOnce = [...users.values()].filter((other) => other === user).length;
      atMostByUser[user] = Math.max(atMostByUser[user] ?? 0, atOnce);
    },
    refused: (why: string): void => {
      refusedSignIns[why] = (refusedSignIns[why] ?? 0) + 1;
    },
    kept: (): void => {
      messages += 1;
    },
    counters: (): MailCounters => ({
      connectionsNow: now,
      connectionsAtMost: atMost,
      atMostByUser: { ...atMostByUser },
      messages,
      signIns,
      refusedSignIns: { ...refusedSignIns },
    }),
  };
};
