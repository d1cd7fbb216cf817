import type { ProviderName } from '../../../shared/domain/provider.ts';

/** An SMTP reply that is not a success. */
export interface Refusal {
  readonly code: number;
  readonly text: string;
}

/** Exchange Online's and Gmail's own words (facts 1.10, G13, G16). */
export const REFUSALS = {
  microsoft: {
    signIn: { code: 535, text: '5.7.3 Authentication unsuccessful [stand-in.contoso.example]' },
    notSignedIn: { code: 530, text: '5.7.57 Client not authenticated to send mail.' },
    tooLarge: { code: 552, text: '5.3.4 Message size exceeds fixed maximum message size' },
  },
  google: {
    signIn: { code: 535, text: '5.7.8 Username and Password not accepted. For more information, see stand-in - gsmtp' },
    notSignedIn: { code: 530, text: '5.7.0 Authentication Required - gsmtp' },
    tooLarge: { code: 552, text: '5.3.4 Your message exceeded our message size limits. - gsmtp' },
  },
} as const satisfies Record<ProviderName, Record<string, Refusal>>;

/** Gmail tells more before its 535, in the challenge (facts G13). */
export const GOOGLE_CHALLENGE = { status: '401', schemes: 'bearer mac', scope: 'https://mail.google.com/' };

/** Given at the end of DATA, as Exchange Online does. */
export const sendAsDenied = (user: string, from: string): Refusal => ({
  code: 554,
  text:
    `5.2.252 SendAsDenied; ${user} not allowed to send as ${from}; STOREDRV.Submission.Exception:` +
    'SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message due to a permanent exception',
});

export const acceptedText = (provider: ProviderName, id: string): string =>
  provider === 'microsoft' ? `2.0.0 OK <${id}@contoso.example> [Hostname=stand-in]` : `2.0.0 OK ${id} - gsmtp`;

/** smtp-server takes a refusal as an error with a code. */
export const asError = ({ code, text }: Refusal): Error & { responseCode: number } =>
  Object.assign(new Error(text), { responseCode: code });
