import type { SMTPConnectionOptions } from 'nodemailer';
import { xoauth2InitialResponse } from '../../protocol/xoauth2.ts';

export type SaslHandler = NonNullable<SMTPConnectionOptions['customAuth']>[string];

/**
 * SASL XOAUTH2 (developers.google.com/gmail/imap/xoauth2-protocol; Exchange Online takes the same), once. nodemailer's
 * own asks for another token after a `334` and thereby loses the server's verdict.
 */
export const xoauth2 =
  (user: string, accessToken: string): SaslHandler =>
  async ({ authMethods, sendCommand }) => {
    // A token is not shown to a server that did not ask for one.
    if (!authMethods.includes('XOAUTH2')) throw new Error('the server offers no XOAUTH2 sign-in');
    let { response } = await sendCommand(`AUTH XOAUTH2 ${xoauth2InitialResponse(user, accessToken)}`);
    // The reason as base64 JSON; an empty line asks for the verdict.
    if (response.startsWith('334')) ({ response } = await sendCommand(''));
    if (!response.startsWith('2')) throw new Error('the server refused the sign-in');
  };
