import type { Desk, SignedIn } from '../proxy/desk.ts';
import type { DeviceConnection } from '../proxy/device-connection.ts';
import type { DoorWay } from '../proxy/listener.ts';
import { type Credentials, SASL_MECHANISMS, saslExchange } from '../proxy/sasl.ts';
import { refusalReply, SAID } from './replies.ts';

/** A device needs six at the most: CAPA, STLS, CAPA, AUTH, USER, PASS. */
const COMMANDS = 10;

interface Door {
  readonly device: DeviceConnection;
  readonly desk: Desk;
  readonly door: DoorWay;
}

/** The word that the next command needs: the name given by USER. */
interface Talk {
  user: string | undefined;
}

type Turn = { readonly next: 'command' | 'over' } | { readonly next: 'relay'; readonly signedIn: SignedIn };

const COMMAND: Turn = { next: 'command' };
const OVER: Turn = { next: 'over' };

const maySignIn = ({ device, door }: Door): boolean => device.isSecure || door.cleartextSignIn;

/** RFC 2449 sections 5 and 6. TOP and UIDL are there in both states, and clients that ask only now must know of them. */
const capabilities = (at: Door): readonly string[] => [
  '+OK',
  ...(at.door.offersStartTls && !at.device.isSecure ? ['STLS'] : []),
  ...(maySignIn(at) ? ['USER', `SASL ${SASL_MECHANISMS.join(' ')}`] : []),
  'TOP',
  'UIDL',
  'RESP-CODES',
  'AUTH-RESP-CODE',
  '.',
];

const decide = async ({ device, desk }: Door, credentials: Credentials): Promise<Turn> => {
  const outcome = await desk(credentials, device);
  if (outcome.ok) {
    device.say(SAID.signedIn);
    return { next: 'relay', signedIn: outcome.value };
  }
  device.say(refusalReply(outcome.error));
  return COMMAND;
};

/** RFC 5034 section 4. */
const authenticate = async (at: Door, argument: string): Promise<Turn> => {
  const { device } = at;
  const [mechanism = '', initial] = argument.split(/ +/);
  // Before there was CAPA, clients asked like that for what they could use.
  if (mechanism === '') {
    device.say('+OK', ...SASL_MECHANISMS, '.');
    return COMMAND;
  }
  const outcome = await saslExchange(mechanism, initial, async (challenge) => {
    device.say(`+ ${challenge}`);
    const read = await device.line();
    return read.kind === 'line' ? read.bytes.toString('utf8') : undefined;
  });
  switch (outcome.kind) {
    case 'credentials':
      return decide(at, outcome.credentials);
    case 'ended':
      return OVER;
    case 'cancelled':
      device.say(SAID.cancelled);
      return COMMAND;
    case 'malformed':
      device.say(SAID.malformed);
      return COMMAND;
    case 'unknown_mechanism':
      device.say(SAID.noMechanism);
      return COMMAND;
  }
};

const startTls = async ({ device, door }: Door, talk: Talk): Promise<Turn> => {
  if (!door.offersStartTls || device.isSecure) {
    device.say(SAID.noTls);
    return COMMAND;
  }
  device.say(SAID.beginTls);
  // RFC 2595 section 4: nothing that was said in the clear counts.
  talk.user = undefined;
  return (await device.startTls()) ? COMMAND : OVER;
};

const answer = async (at: Door, talk: Talk, verb: string, argument: string): Promise<Turn> => {
  const { device } = at;
  const say = (...lines: readonly string[]): Turn => {
    device.say(...lines);
    return COMMAND;
  };
  switch (verb) {
    case 'CAPA':
      return say(...capabilities(at));
    case 'NOOP':
      return say(SAID.go);
    case 'QUIT':
      device.say(SAID.goodbye);
      return OVER;
    case 'STLS':
      return startTls(at, talk);
    case 'USER':
      if (!maySignIn(at)) return say(SAID.secureFirst);
      talk.user = argument.trim();
      return say(SAID.go);
    case 'PASS': {
      const { user } = talk;
      talk.user = undefined;
      if (!maySignIn(at)) return say(SAID.secureFirst);
      return user === undefined ? say(SAID.userFirst) : decide(at, { user, password: argument });
    }
    case 'AUTH':
      return maySignIn(at) ? authenticate(at, argument.trim()) : say(SAID.secureFirst);
    default:
      return say(SAID.notHere);
  }
};

/** The AUTHORIZATION state (RFC 1939 section 4), in which the gateway itself is the server. Letter case does not matter. */
export const signInByPop3 = async (
  device: DeviceConnection,
  desk: Desk,
  door: DoorWay,
): Promise<SignedIn | undefined> => {
  const at: Door = { device, desk, door };
  const talk: Talk = { user: undefined };
  device.say(SAID.greeting);
  for (let said = 0; said < COMMANDS; said++) {
    const read = await device.line();
    if (read.kind !== 'line') {
      if (read.kind === 'too_long') device.say(SAID.tooLong);
      if (read.kind === 'late') device.say(SAID.tooSlow);
      return undefined;
    }
    // A password may hold spaces, also at its end (RFC 1939 section 7, PASS).
    const [, verb = '', argument = ''] = /^(\S*)(?: (.*))?$/s.exec(read.bytes.toString('utf8')) ?? [];
    const turn = await answer(at, talk, verb.toUpperCase(), argument);
    if (turn.next === 'relay') return turn.signedIn;
    if (turn.next === 'over') return undefined;
  }
  device.say(SAID.tooMany);
  return undefined;
};
