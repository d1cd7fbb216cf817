/**
 * A submission server in a process of its own: TLS from the first byte, XOAUTH2, and everything that it takes is thrown
 * away. It counts for itself what every user does. Tells its port by IPC, and ends with the one who started it.
 */
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { TestCertificate } from '../../fakes/certificate.ts';
import { mostInAnyMinute } from './rates.ts';

/** Exchange Online's default for a mailbox, 35 MB, and room for what is around it. */
const SIZE_LIMIT_BYTES = 36 * 1024 * 1024;

/** `expect`: an answer when so many messages have been taken since the last `reset`. `reset`: counts anew. */
export type ServerOrder =
  | { readonly order: 'listen'; readonly certificate: TestCertificate; readonly accessToken: string }
  | { readonly order: 'expect'; readonly messages: number }
  | { readonly order: 'counts' }
  | { readonly order: 'reset' };

export interface ServerCounts {
  readonly messages: number;
  readonly bytes: number;
  readonly signIns: number;
  /** Of the user who had most of it. Connections count from the sign-in to their end. */
  readonly mostConnectionsOfOne: number;
  readonly mostInAMinuteOfOne: number;
}

interface User {
  connections: number;
  mostConnections: number;
  /** When its messages were taken. */
  readonly takenAtMs: number[];
}

let users = new Map<string, User>();
const tally = { messages: 0, bytes: 0, signIns: 0 };
let expected: { readonly messages: number; readonly answer: () => void } | undefined;

const userOf = (name: string): User => {
  const known = users.get(name) ?? { connections: 0, mostConnections: 0, takenAtMs: [] };
  users.set(name, known);
  return known;
};

const most = (of: (user: User) => number): number => Math.max(0, ...[...users.values()].map(of));

const counts = (): ServerCounts => ({
  ...tally,
  mostConnectionsOfOne: most(({ mostConnections }) => mostConnections),
  mostInAMinuteOfOne: most(({ takenAtMs }) => mostInAnyMinute(takenAtMs)),
});

const reset = (): void => {
  users = new Map();
  Object.assign(tally, { messages: 0, bytes: 0, signIns: 0 });
};

const take = (user: User, bytes: number): void => {
  tally.messages++;
  tally.bytes += bytes;
  user.takenAtMs.push(performance.now());
  if (expected && tally.messages >= expected.messages) {
    expected.answer();
    expected = undefined;
  }
};

const serve = ({ key, cert }: TestCertificate, expectedToken: string): SMTPServer =>
  new SMTPServer({
    ...{ key, cert, minVersion: 'TLSv1.2' },
    secure: true,
    size: SIZE_LIMIT_BYTES,
    authMethods: ['XOAUTH2'],
    // A look-up of the client's name would leave the machine.
    disableReverseLookup: true,
    logger: false,
    onAuth: ({ username = '', accessToken }, _session, callback) => {
      if (accessToken !== expectedToken) return callback(new Error('not the token'));
      const user = userOf(username);
      tally.signIns++;
      user.connections++;
      user.mostConnections = Math.max(user.mostConnections, user.connections);
      callback(null, { user });
    },
    onClose: ({ user }) => {
      if (user) (user as User).connections--;
    },
    onData: (stream, { user }, callback) => {
      let bytes = 0;
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      stream.on('end', () => {
        take(user, bytes);
        callback(null, 'taken');
      });
    },
  });

process.on('message', (order: ServerOrder) => {
  if (order.order === 'listen') {
    const server = serve(order.certificate, order.accessToken);
    // A client that hangs up is the client's matter.
    server.on('error', () => undefined);
    server.listen(0, '127.0.0.1', () => process.send?.((server.server.address() as AddressInfo).port));
  } else if (order.order === 'expect') {
    expected = { messages: order.messages, answer: () => process.send?.('taken') };
  } else if (order.order === 'counts') {
    process.send?.(counts());
  } else {
    reset();
    process.send?.('reset');
  }
});
process.on('disconnect', () => process.exit());
