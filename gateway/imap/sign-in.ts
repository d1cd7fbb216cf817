import type { Desk, SignedIn } from '../proxy/desk.ts';
import type { DeviceConnection } from '../proxy/device-connection.ts';
import {
  COMMAND,
  DOOR_COMMANDS,
  type Door,
  type DoorWay,
  maySignIn,
  mayStartTls,
  OVER,
  signInBySasl,
  type Turn,
} from '../proxy/door.ts';
import { type Credentials, SASL_MECHANISMS } from '../proxy/sasl.ts';
import { type ImapCommand, readImapCommand } from './command.ts';
import { BYE, refusalReply, SAID } from './replies.ts';

/** Of the gateway; after the sign-in those of the provider count (RFC 9051 section 6.1.1). */
const capabilities = (at: Door): string =>
  [
    'IMAP4rev1',
    'SASL-IR',
    'LITERAL+',
    'ID',
    ...(mayStartTls(at) ? ['STARTTLS'] : []),
    ...(maySignIn(at) ? SASL_MECHANISMS.map((name) => `AUTH=${name}`) : ['LOGINDISABLED']),
  ].join(' ');

const decide = async ({ device, desk }: Door, tag: string, credentials: Credentials): Promise<Turn> => {
  const outcome = await desk(credentials, device);
  if (!outcome.ok) {
    device.say(`${tag} ${refusalReply(outcome.error)}`);
    return COMMAND;
  }
  const offered = [...(outcome.value.session.offer?.features.keys() ?? [])].filter((word) => word !== '');
  device.say(`${tag} OK ${offered.length > 0 ? `[CAPABILITY ${offered.join(' ')}] ` : ''}Signed in`);
  return { next: 'relay', signedIn: outcome.value };
};

/** RFC 9051 section 6.2.2, with an initial response (RFC 4959) or without. */
const authenticate = (at: Door, { tag, words: [mechanism = '', initial] }: ImapCommand): Promise<Turn> =>
  signInBySasl(at, {
    mechanism,
    initial,
    decide: (credentials) => decide(at, tag, credentials),
    refuse: (why) => at.device.say(`${tag} ${SAID[why]}`),
  });

const answer = async (at: Door, command: ImapCommand): Promise<Turn> => {
  const { device } = at;
  const { tag, verb, words } = command;
  const say = (said: string, ...untagged: readonly string[]): Turn => {
    device.say(...untagged, `${tag} ${said}`);
    return COMMAND;
  };
  switch (verb) {
    case 'CAPABILITY':
      return say(SAID.done, `* CAPABILITY ${capabilities(at)}`);
    case 'NOOP':
      return say(SAID.done);
    case 'ID':
      // RFC 2971 section 3.1: a server need not say who it is.
      return say(SAID.done, '* ID NIL');
    case 'LOGOUT':
      say(SAID.done, BYE.goodbye);
      return OVER;
    case 'STARTTLS':
      if (!mayStartTls(at)) return say(SAID.noTls);
      say(SAID.beginTls);
      return (await device.startTls()) ? COMMAND : OVER;
    case 'LOGIN': {
      if (!maySignIn(at)) return say(SAID.secureFirst);
      const [user, password, ...more] = words;
      if (user === undefined || password === undefined || more.length > 0) return say(SAID.malformed);
      return decide(at, tag, { user, password });
    }
    case 'AUTHENTICATE':
      return maySignIn(at) ? authenticate(at, command) : say(SAID.secureFirst);
    default:
      return say(SAID.notHere);
  }
};

/** The not authenticated state (RFC 9051 section 3.1), in which the gateway itself is the server. */
export const signInByImap = async (
  device: DeviceConnection,
  desk: Desk,
  door: DoorWay,
): Promise<SignedIn | undefined> => {
  const at: Door = { device, desk, door };
  device.say(`* OK [CAPABILITY ${capabilities(at)}] Ready`);
  for (let said = 0; said < DOOR_COMMANDS; said++) {
    const read = await readImapCommand(device);
    switch (read.kind) {
      case 'command': {
        const turn = await answer(at, read.command);
        if (turn.next === 'relay') return turn.signedIn;
        if (turn.next === 'over') return undefined;
        break;
      }
      case 'malformed':
        device.say(`${read.tag} BAD Not a command`);
        break;
      case 'too_long':
        device.say(BYE.tooLong);
        return undefined;
      case 'late':
        device.say(BYE.tooSlow);
        return undefined;
      case 'ended':
        return undefined;
    }
  }
  device.say(BYE.tooMany);
  return undefined;
};
