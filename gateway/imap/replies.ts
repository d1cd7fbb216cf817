import { type Refusal, remedyOf } from '../proxy/refusal.ts';

/** RFC 5530 section 3. */
const CODES = { later: '[UNAVAILABLE]', password: '[AUTHENTICATIONFAILED]', person: '[CONTACTADMIN]' } as const;

/** After the tag. */
export const refusalReply = (refusal: Refusal): string => `NO ${CODES[remedyOf(refusal)]} ${refusal.words}`;

/** Of the connection as a whole, instead of an answer to a command (RFC 9051 section 7.1.5). */
export const BYE = {
  goodbye: '* BYE Bye',
  tooMany: '* BYE Too many commands before the sign-in',
  tooLong: '* BYE The line is too long',
  tooSlow: '* BYE [UNAVAILABLE] Too slow to sign in',
  noRoom: '* BYE [UNAVAILABLE] Too many connections; try again later',
  closing: '* BYE [UNAVAILABLE] The gateway is being restarted; try again in a minute',
  broken: '* BYE [UNAVAILABLE] The gateway failed; try again later',
} as const;

/** After the tag. */
export const SAID = {
  done: 'OK Done',
  beginTls: 'OK Begin TLS',
  noTls: 'BAD TLS is not offered here',
  secureFirst: 'NO [PRIVACYREQUIRED] Switch on TLS (STARTTLS) for this connection first',
  notHere: 'BAD Not a command that is known here before the sign-in',
  malformed: 'BAD That is not a user name and a password',
  cancelled: 'BAD Cancelled',
  unknown_mechanism: 'NO Use PLAIN or LOGIN',
} as const;
