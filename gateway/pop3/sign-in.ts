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
import { refusalReply, SAID } from './replies.ts';

/** The word that the next command needs: the name given by USER. */
interface Talk {
  user: string | undefined;
}

/** RFC 2449 sections 5 and 6. TOP and UIDL are there in both states, and clients that ask only now must know of them. */
const capabilities = (at: Door): readonly string[] => [
  '+OK',
  ...(mayStartTls(at) ? ['STLS'] : []),
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
  return signInBySasl(at, {
    mechanism,
    initial,
    decide: (credentials) => decide(at, credentials),
    refuse: (why) => device.say(SAID[why]),
  });
};

const startTls = async (at: Door, talk: Talk): Promise<Turn> => {
  const { device } = at;
  if (!mayStartTls(at)) {
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
  for (let said = 0; said < DOOR_COMMANDS; said++) {
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
