import type { SMTPConnectionOptions } from 'nodemailer';
import type { SendingAccount } from '../../ports/mail-transport.ts';
import { xoauth2InitialResponse } from '../../protocol/xoauth2.ts';

export type SaslHandler = NonNullable<SMTPConnectionOptions['customAuth']>[string];

/**
 * SASL XOAUTH2 (developers.google.com/gmail/imap/xoauth2-protocol; Exchange Online takes the same), once. nodemailer's
 * own asks for another token after a `334` and thereby loses the server's verdict. `onOffer` hears of the server's extensions.
 */
export const xoauth2 =
  (
    { address, accessToken }: Pick<SendingAccount, 'address' | 'accessToken'>,
    onOffer: (extensions: readonly string[]) => void = () => undefined,
  ): SaslHandler =>
  async ({ authMethods, extensions, sendCommand }) => {
    // A token is not shown to a server that did not ask for one.
    if (!authMethods.includes('XOAUTH2')) throw new Error('the server offers no XOAUTH2 sign-in');
    onOffer(extensions);
    let { response } = await sendCommand(`AUTH XOAUTH2 ${xoauth2InitialResponse(address, accessToken)}`);
    // The reason as base64 JSON; an empty line asks for the verdict.
    if (response.startsWith('334')) ({ response } = await sendCommand(''));
    if (!response.startsWith('2')) throw new Error('the server refused the sign-in');
  };
