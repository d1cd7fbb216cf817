import { type SmtpCodes, type SmtpReply, smtpReply } from '../../shared/protocol/smtp-reply.ts';

/**
 * Replies of the protocol itself, which no kind of error has. Codes by RFC 5321 section 4.2.3, RFC 4954 section 6, RFC 3207
 * section 4 and RFC 3463; words that a panel has room for.
 */
export const PROTOCOL_REPLIES = {
  done: ['250 2.0.0', 'OK'],
  senderTaken: ['250 2.1.0', 'Sender OK'],
  recipientTaken: ['250 2.1.5', 'Recipient OK'],
  messageTaken: ['250 2.0.0', 'Accepted'],
  goodbye: ['221 2.0.0', 'Goodbye'],
  help: ['214 2.0.0', 'This gateway sends the mail of printers and scanners: EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA'],
  cannotVerify: ['252 2.5.2', 'Addresses are not verified here'],
  readyForTls: ['220 2.0.0', 'Ready for TLS'],
  signedIn: ['235 2.7.0', 'Signed in'],

  signInFirst: ['530 5.7.0', 'Sign in first: give the device its user name and password'],
  encryptFirst: ['530 5.7.0', 'Switch on STARTTLS or TLS in the device first'],
  encryptionNeeded: ['538 5.7.11', 'A password is taken over TLS only: switch on STARTTLS or TLS in the device'],
  wrongPassword: ['535 5.7.8', 'User name or password is wrong'],
  tooManyTries: ['421 4.7.0', 'Too many wrong passwords, goodbye'],
  alreadySignedIn: ['503 5.5.1', 'Already signed in'],
  signInDuringMail: ['503 5.5.1', 'Sign in before MAIL, not after it'],
  unknownMechanism: ['504 5.5.4', 'Sign in with AUTH PLAIN or AUTH LOGIN'],
  signInCancelled: ['501 5.7.0', 'Sign-in cancelled'],
  signInUnreadable: ['501 5.5.2', 'What was sent to sign in cannot be read'],

  greetFirst: ['503 5.5.1', 'Say EHLO or HELO first'],
  badGreeting: ['501 5.5.4', 'EHLO and HELO take one name'],
  mailFirst: ['503 5.5.1', 'Say MAIL first'],
  recipientFirst: ['503 5.5.1', 'Say RCPT first'],
  alreadyInMail: ['503 5.5.1', 'The message before this one is not finished'],
  alreadyEncrypted: ['503 5.5.1', 'TLS is on already'],
  badSender: ['501 5.1.7', 'The address of the sender is not valid'],
  badRecipient: ['501 5.1.3', 'The address of the recipient is not valid'],
  tooManyRecipients: ['452 4.5.3', 'Too many recipients'],
  tooLarge: ['552 5.3.4', 'The message is too large: scan at a lower resolution or in several parts'],
  badParameter: ['501 5.5.4', 'A parameter of the command is not valid'],
  // RFC 5321 section 4.1.1.11.
  unknownParameter: ['555 5.5.4', 'A parameter of the command is not known here'],
  unknownCommand: ['500 5.5.1', 'Unknown command'],
  lineTooLong: ['500 5.5.2', 'Line too long'],
  internal: ['451 4.3.0', 'An error occurred in the gateway'],

  tooManyConnections: ['421 4.7.0', 'Too many connections, try again in a minute'],
  tooManyCommands: ['421 4.7.0', 'Too many commands without a sign-in'],
  tooManyErrors: ['421 4.7.0', 'Too many unknown commands'],
  signInTooSlow: ['421 4.7.0', 'Nobody signed in for too long'],
  signInTooOld: ['421 4.7.0', 'The sign-in is too old, connect again'],
  notForBrowsers: ['421 4.7.0', 'This is no web server'],
  tooSoon: ['421 4.5.0', 'Wait for the greeting'],
  idle: ['421 4.4.2', 'Nothing came for too long'],
  closing: ['421 4.3.2', 'The gateway is being stopped or restarted, try again in a minute'],
} as const satisfies Record<string, readonly [codes: SmtpCodes, text: string]>;

export type ProtocolReply = keyof typeof PROTOCOL_REPLIES;

export const protocolReply = (name: ProtocolReply): SmtpReply => {
  const [codes, text] = PROTOCOL_REPLIES[name];
  return smtpReply(codes, text);
};

export const acceptedReply = (id: string): SmtpReply =>
  smtpReply(PROTOCOL_REPLIES.messageTaken[0], `${PROTOCOL_REPLIES.messageTaken[1]} ${id}`);

/** What smtp-server says by itself, and what is said in its place. The first that fits. */
const LIBRARY_TEXTS: readonly (readonly [code: number, text: RegExp, reply: ProtocolReply])[] = [
  [214, /^/, 'help'],
  [220, /^Ready to start TLS/, 'readyForTls'],
  [221, /^/, 'goodbye'],
  [235, /^/, 'signedIn'],
  [250, /^OK$|^Flushed/, 'done'],
  [252, /^/, 'cannotVerify'],
  [421, /shutting down/, 'closing'],
  [421, /talk too soon/, 'tooSoon'],
  [421, /HTTP requests/, 'notForBrowsers'],
  [421, /^Timeout/, 'idle'],
  [421, /unrecognized commands/, 'tooManyErrors'],
  [421, /unauthenticated commands/, 'tooManyCommands'],
  [421, /too long/, 'lineTooLong'],
  [421, /Too many connected/, 'tooManyConnections'],
  [451, /internal server error/, 'internal'],
  [452, /too many recipients/, 'tooManyRecipients'],
  [500, /not recognized|not allowed/, 'unknownCommand'],
  [501, /aborted/, 'signInCancelled'],
  [501, /userdata|missing username|syntax: AUTH/, 'signInUnreadable'],
  [501, /sender address/, 'badSender'],
  [501, /recipient address/, 'badRecipient'],
  [501, /hostname/, 'badGreeting'],
  [501, /parameter|size syntax|syntax: VRFY|syntax: STARTTLS/i, 'badParameter'],
  [503, /HELO|LHLO/, 'greetFirst'],
  [503, /TLS already/, 'alreadyEncrypted'],
  [503, /identity changes/, 'alreadySignedIn'],
  [503, /nested MAIL|transaction in progress/, 'alreadyInMail'],
  [503, /need MAIL/, 'mailFirst'],
  [503, /need RCPT/, 'recipientFirst'],
  [504, /authentication type/, 'unknownMechanism'],
  [530, /REQUIRETLS/, 'unknownParameter'],
  [530, /authentication required/i, 'signInFirst'],
  [535, /^/, 'wrongPassword'],
  [538, /^/, 'encryptionNeeded'],
  [552, /^/, 'tooLarge'],
];

export const replyForLibraryText = (code: number, text: string): ProtocolReply | undefined =>
  LIBRARY_TEXTS.find(([basic, pattern]) => basic === code && pattern.test(text))?.[2];

/** A text of ours begins with its enhanced code. */
const OURS = /^([245]\.\d{1,3}\.\d{1,3}) (.*)$/;

/**
 * What is said where smtp-server would say this. It takes texts from us and has its own, and marks both with enhanced codes of
 * its own by the basic one, so that ours would stand twice, or contradict.
 */
export const replyFor = (code: number, text: string, context: string | false | undefined): SmtpReply => {
  const [, enhancedCode, rest] = OURS.exec(text) ?? [];
  if (enhancedCode !== undefined && rest !== undefined) return { code, enhancedCode, text: rest };
  if (context === 'MAIL_FROM_OK') return protocolReply('senderTaken');
  if (context === 'RCPT_TO_OK') return protocolReply('recipientTaken');
  const name = replyForLibraryText(code, text);
  if (name !== undefined) return protocolReply(name);
  // A text that a later version of it brings.
  return { code, enhancedCode: `${Math.trunc(code / 100)}.0.0`, text };
};
