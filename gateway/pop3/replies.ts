import { type Refusal, remedyOf } from '../proxy/refusal.ts';

/** RFC 3206. Where a password would not help, no device shall ask its user for one. */
const CODES = { later: '[SYS/TEMP]', password: '[AUTH]', person: '[SYS/PERM]' } as const;

export const refusalReply = (refusal: Refusal): string => `-ERR ${CODES[remedyOf(refusal)]} ${refusal.words}`;

/** What is said of the protocol itself; who reads it is looking for a fault of the device. */
export const SAID = {
  greeting: '+OK Ready',
  goodbye: '+OK Bye',
  go: '+OK',
  notHere: '-ERR Not a command that is known here',
  earlier: '-ERR Already signed in',
  noTls: '-ERR TLS is not offered here',
  beginTls: '+OK Begin TLS',
  secureFirst: '-ERR [SYS/PERM] Switch on TLS (STLS) for this connection first',
  userFirst: '-ERR Send USER first',
  malformed: '-ERR That is not base64 of a user name and a password',
  cancelled: '-ERR Cancelled',
  unknown_mechanism: '-ERR Use PLAIN or LOGIN',
  signedIn: '+OK Signed in',
  tooMany: '-ERR Too many commands before the sign-in',
  tooLong: '-ERR The line is too long',
  tooSlow: '-ERR [SYS/TEMP] Too slow to sign in',
  noRoom: '-ERR [SYS/TEMP] Too many connections; try again later',
  closing: '-ERR [SYS/TEMP] The gateway is being restarted; try again in a minute',
  broken: '-ERR [SYS/TEMP] The gateway failed; try again later',
  notUpdated: '-ERR [SYS/TEMP] The connection to the mail server ended: nothing was deleted, or not all',
  changed: '-ERR [SYS/TEMP] The mailbox has changed: nothing was deleted; connect again',
  cutOff: '-ERR [SYS/TEMP] The connection to the mail server ended: nothing was deleted; connect again',
} as const;
