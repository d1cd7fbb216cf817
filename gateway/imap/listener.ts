import { imapDialect } from '../../shared/adapters/mail-probe/imap-dialect.ts';
import { type ProxySide, startProxyListener } from '../proxy/listener.ts';
import type { ProxyListener, ProxyOptions } from '../proxy/options.ts';
import { pumpBoth } from '../proxy/pump.ts';
import { BYE } from './replies.ts';
import { signInByImap } from './sign-in.ts';

/**
 * A mailbox by IMAP (RFC 9051, RFC 3501) with a user name and a password. From the sign-in on nothing is read of what passes, nor
 * said besides: the gateway's own commands were all answered before the first of the device, whatever tags that has. When the
 * provider ends the session, as it does when a token dies, its BYE passes and so does the end: clients of IMAP connect anew.
 */
export const startImapListener = (options: ProxyOptions): Promise<ProxyListener> => {
  const side: ProxySide = {
    name: 'imap',
    protocol: 'imap',
    dialect: imapDialect,
    noRoom: BYE.noRoom,
    closing: BYE.closing,
    broken: BYE.broken,
    signIn: signInByImap,
    async relay({ reader }, { session }, { idleMs }) {
      const bytes = await pumpBoth(reader, session.reader, idleMs);
      return { bytes, reconnects: 0, how: 'ended' };
    },
  };
  return startProxyListener(options, side);
};
