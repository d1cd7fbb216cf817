import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Dialect } from '../../shared/adapters/mail-probe/dialect.ts';
import { codeOf } from '../../shared/adapters/mail-probe/tls-troubles.ts';
import type { ReceiveProtocol } from '../../shared/domain/connection-test.ts';
import { handshakeFailure } from '../smtp/handshake-failure.ts';
import { type Desk, makeDesk, type SignedIn } from './desk.ts';
import { type DeviceConnection, deviceConnection } from './device-connection.ts';
import type { DoorWay } from './door.ts';
import { CLOSE_SECONDS, PROXY_LIMITS, type ProxyLimits, type ProxyListener, type ProxyOptions } from './options.ts';
import { places } from './places.ts';

export interface SessionEnd {
  /** Sent to the device since it signed in. */
  readonly bytes: number;
  readonly reconnects: number;
  /** One word, for the log. */
  readonly how: string;
}

/** One protocol: how it gets somebody signed in, and what it does from then on. */
export interface ProxySide {
  readonly name: 'pop3' | 'imap';
  readonly protocol: ReceiveProtocol;
  readonly dialect: Dialect;
  /** In place of a greeting, where there is no room. */
  readonly noRoom: string;
  /** To who has not signed in, when the gateway stops. */
  readonly closing: string;
  /** To who is there when something fails that never should. */
  readonly broken: string;
  /** Undefined: that came to nothing, and the device was told. */
  signIn(device: DeviceConnection, desk: Desk, door: DoorWay): Promise<SignedIn | undefined>;
  /** Until both connections are over. */
  relay(device: DeviceConnection, signedIn: SignedIn, limits: ProxyLimits): Promise<SessionEnd>;
}

/** A device that vanished without a word is noticed by the system within minutes. */
const KEEP_ALIVE_MS = 60_000;

/** For the log, after the last connection is gone. */
const LAST_WORDS_MS = 500;

interface Session {
  readonly ended: Promise<void>;
  isSignedIn(): boolean;
  /** Whatever it is doing. */
  cut(): void;
  sayGoodbye(): void;
}

const addressOf = ({ remoteAddress = '' }: Socket): string => remoteAddress.replace(/^::ffff:(?=\d+\.)/i, '');

export const startProxyListener = async (options: ProxyOptions, side: ProxySide): Promise<ProxyListener> => {
  const { security, cleartextSignIn, deps } = options;
  const { log, metrics } = deps;
  const { name, protocol, dialect } = side;
  const limits = { ...PROXY_LIMITS, ...options.limits };
  const desk = makeDesk({ name, protocol, dialect, limits, deps });
  const room = places(options.connections);
  const sessions = new Set<Session>();
  let secureContext: SecureContext | undefined;
  const renew = (): void => {
    secureContext = security === 'plain' ? undefined : createSecureContext(options.tls());
  };
  renew();

  const arrival = (socket: Socket, address: string): DeviceConnection =>
    deviceConnection(socket, {
      address,
      signInMs: limits.signInMs,
      secureContext: () => {
        if (secureContext === undefined) throw new Error('This listener has no certificate.');
        return secureContext;
      },
      onTlsFailure: (error) =>
        log.warn(
          `${name}.tls_failed`,
          handshakeFailure({ address, offered: undefined, error: { code: codeOf(error) } }),
        ),
    });

  const serve = async (device: DeviceConnection, onSignedIn: () => void): Promise<void> => {
    if (security === 'tls' && !(await device.startTls())) return;
    const signedIn = await side.signIn(device, desk, { offersStartTls: security === 'starttls', cleartextSignIn });
    if (signedIn === undefined) return;
    onSignedIn();
    const { how, bytes, reconnects } = await side.relay(device, signedIn, limits);
    const { clientId, slot, mailbox } = signedIn.device;
    log.info(`${name}.ended`, {
      address: device.address,
      client_id: clientId,
      slot,
      mailbox_id: mailbox.id,
      how,
      bytes,
      reconnects,
    });
    metrics.ended({ bytes, reconnects });
  };

  const take = (socket: Socket): void => {
    const address = addressOf(socket);
    const leave = room.enter(address);
    if (leave === undefined) {
      metrics.turnedAway();
      log.warn(`${name}.turned_away`, { address });
      socket.on('error', () => socket.destroy());
      socket.end(security === 'tls' ? '' : `${side.noRoom}\r\n`, () => socket.destroy());
      return;
    }
    socket.setKeepAlive(true, KEEP_ALIVE_MS).setNoDelay(true);
    const device = arrival(socket, address);
    let isSignedIn = false;
    const onSignedIn = (): void => {
      isSignedIn = true;
    };
    const whole = async (): Promise<void> => {
      try {
        await serve(device, onSignedIn);
      } catch (error) {
        log.error(`${name}.failed`, { address, error: error instanceof Error ? error.message : String(error) });
        device.say(side.broken);
      }
      await device.hangUp();
      leave();
      sessions.delete(session);
    };
    const session: Session = {
      ended: whole(),
      isSignedIn: () => isSignedIn,
      cut: () => device.reader.socket.destroy(),
      sayGoodbye: () => {
        device.say(side.closing);
        void device.hangUp();
      },
    };
    sessions.add(session);
  };

  // A device that has said all it has to say, and closed its side, still hears the answers.
  const server = createServer({ allowHalfOpen: true }, take);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => resolve());
  });
  server.on('error', (error) => log.error(`${name}.listener_failed`, { error: error.message }));

  return {
    port: (server.address() as AddressInfo).port,
    isAccepting: () => server.listening,
    renew,
    async close(deadlineSeconds = CLOSE_SECONDS) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) if (!session.isSignedIn()) session.sayGoodbye();
      const all = Promise.all([...sessions].map(({ ended }) => ended));
      await Promise.race([all, sleep(deadlineSeconds * 1000, undefined, { ref: false })]);
      for (const session of sessions) session.cut();
      await closed;
      // Whoever was being signed in just then may still wait for an answer that nobody needs any more.
      await Promise.race([all, sleep(LAST_WORDS_MS, undefined, { ref: false })]);
    },
  };
};
