import { popDialect } from '../../shared/adapters/mail-probe/pop-dialect.ts';
import { ok } from '../../shared/domain/result.ts';
import { type ProxySide, startProxyListener } from '../proxy/listener.ts';
import type { ProxyListener, ProxyOptions } from '../proxy/options.ts';
import { relayPop3 } from './relay.ts';
import { SAID } from './replies.ts';
import { signInByPop3 } from './sign-in.ts';

/** A mailbox by POP3 (RFC 1939) with a user name and a password, for devices that know no more. */
export const startPop3Listener = (options: ProxyOptions): Promise<ProxyListener> => {
  const side: ProxySide = {
    name: 'pop3',
    protocol: 'pop',
    dialect: popDialect,
    noRoom: SAID.noRoom,
    closing: SAID.closing,
    broken: SAID.broken,
    signIn: signInByPop3,
    relay: ({ reader }, { session, reopen }, limits) =>
      relayPop3({
        device: reader,
        provider: session.reader,
        reopen: async () => {
          const opened = await reopen();
          return opened.ok ? ok(opened.value.reader) : opened;
        },
        limits,
        clock: options.deps.clock,
      }),
  };
  return startProxyListener(options, side);
};
