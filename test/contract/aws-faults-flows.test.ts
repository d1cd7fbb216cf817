import assert, { AssertionError } from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isPassingFault } from '../../shared/adapters/vaults/passing-fault.ts';
import type { AwsFault, FaultRule } from '../fakes/aws-faults/rules.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import {
  accountOf,
  callbackOf,
  type Departed,
  depart,
  type Office,
  openOffice,
  PLACE,
  type Process,
  tokenRequest,
  value,
} from '../unit/support.ts';
import { type Emulators, type FaultyCloud, openFaultyCloud, startEmulators } from './faulty-cloud.ts';

/** Something that a person or a device does, made of many requests to AWS. */
interface Flow {
  readonly name: string;
  /** What there must be before, made while nothing is struck. */
  prepare(cloud: FaultyCloud): Promise<Scene>;
  /** Throws unless it came to its good end. */
  run(cloud: FaultyCloud, by: Process, scene: Scene): Promise<unknown>;
  /** After it failed, and a minute has passed. */
  again(cloud: FaultyCloud, scene: Scene): Promise<unknown>;
}

interface Scene extends Office {
  /** Whatever the flow needs besides. */
  readonly given: string;
}

const MESSAGE = Buffer.from(
  'From: scan@contoso.example\r\nTo: ann@contoso.example\r\nSubject: Scan\r\n\r\nSee below.\r\n',
);

const comeBack = async ({ world }: FaultyCloud, by: Process, departed: Departed, address: string) => {
  const { state, code } = world.microsoft.login(departed.authorizationUrl, { account: accountOf(address) });
  return value(await by.completeSignIn(callbackOf(departed, { state, code })));
};

const signIn = async (cloud: FaultyCloud, by: Process, { mailbox }: Office) =>
  comeBack(cloud, by, await depart(by, mailbox), mailbox.address);

const newOffice = async ({ calm }: FaultyCloud): Promise<Scene> => ({ ...(await openOffice(calm)), given: '' });

const signedIn = async (cloud: FaultyCloud): Promise<Scene> => {
  const office = await newOffice(cloud);
  await signIn(cloud, cloud.calm, office);
  return office;
};

/** With a token that has run out. */
const signedInLongAgo = async (cloud: FaultyCloud): Promise<Scene> => {
  const office = await signedIn(cloud);
  await cloud.clock.sleep(3_700_000);
  return office;
};

/** Issued by the provider for this mailbox's account, and not run out. */
const fetchOwn = async ({ world, clock }: FaultyCloud, by: Process, { credential, mailbox }: Office, slot = 'scan') => {
  const { accessToken, account } = value(await by.fetchToken(tokenRequest(credential, { slot })));
  const issued = world.microsoft.issued.find((one) => one.accessToken === accessToken);
  assert.ok(issued, 'nobody issued this token');
  if (slot === 'scan') assert.equal(account, mailbox.address);
  assert.equal(issued.subject, accountOf(account).subject);
  assert.ok(issued.expiresAt * 1000 > clock.now());
};

const pair = async (cloud: FaultyCloud, by: Process, { credential, given }: Scene) => {
  const wishes = { slot: 'user:jan', audience: 'smtp', provider: undefined, loginHint: undefined } as const;
  const { userCode, deviceCode } = value(await by.beginPairing({ ...credential, ...wishes }));
  const agreed = value(await by.answerPairing.agree(userCode, PLACE, undefined));
  const departed = value(await by.departForProvider(agreed.id));
  await comeBack(cloud, by, { ...departed, signIn: agreed } as Departed, given);
  await cloud.clock.sleep(5000);
  const { refreshToken } = value(await by.redeemDeviceCode({ ...credential, deviceCode, minTtlSeconds: 600 }));
  value(await by.redeemRefreshToken({ ...credential, refreshToken, audience: undefined, minTtlSeconds: 600 }));
};

const accept = async (by: Process, { credential, given }: Scene) => {
  const message = { slot: 'scan', message: MESSAGE, envelopeTo: undefined, idempotencyKey: given };
  return value(await by.acceptMessage({ ...credential, ...message }));
};

const send = async (by: Process, scene: Scene) => {
  const { id } = await accept(by, scene);
  await by.sendOutbox(scene.mailbox.id);
  return id;
};

const register = async (by: Process, { given, mailbox, organization }: Scene) => {
  const { device } = value(await by.registerDevice(given, { clientName: 'New' }));
  value(await by.administration.devices.bind(device.clientId, 'scan', mailbox.id));
  const before = value(await by.administration.devices.rotateSecret(device.clientId));
  const own = value(await by.administration.devices.rotateSecret(device.clientId));
  assert.notEqual(before.clientSecret, own.clientSecret);
  const credential = { clientId: device.clientId, clientSecret: own.clientSecret, place: PLACE };
  value(await by.authenticateDevice(credential));
  value(await by.administration.devices.unbind(device.clientId, 'scan'));
  return (await by.administration.devices.list(organization.id)).length;
};

let handedIn = 0;

const FLOWS: readonly Flow[] = [
  {
    name: 'a first sign-in',
    prepare: newOffice,
    async run(cloud, by, scene) {
      assert.equal((await signIn(cloud, by, scene)).tokenStatus, 'acquired');
      await fetchOwn(cloud, cloud.calm, scene);
    },
    async again(cloud, scene) {
      assert.equal((await signIn(cloud, cloud.calm, scene)).tokenStatus, 'acquired');
      await fetchOwn(cloud, cloud.calm, scene);
    },
  },
  {
    name: 'a renewed sign-in',
    prepare: signedIn,
    async run(cloud, by, scene) {
      assert.equal((await signIn(cloud, by, scene)).tokenStatus, 'acquired');
      await fetchOwn(cloud, cloud.calm, scene);
    },
    // The earlier sign-in works, or the new one does; and whoever tries again is through.
    async again(cloud, scene) {
      await fetchOwn(cloud, cloud.calm, scene);
      assert.equal((await signIn(cloud, cloud.calm, scene)).tokenStatus, 'acquired');
    },
  },
  {
    name: 'a pairing, from the code to the second token',
    prepare: async (cloud) => ({ ...(await newOffice(cloud)), given: `jan${++handedIn}@contoso.example` }),
    run: pair,
    again: (cloud, scene) => fetchPairedOrPairAgain(cloud, scene),
  },
  {
    name: "a device's fetch of a token that has run out",
    prepare: signedInLongAgo,
    run: fetchOwn,
    again: (cloud, scene) => fetchOwn(cloud, cloud.calm, scene),
  },
  {
    name: 'a message from its acceptance to its sending',
    prepare: async (cloud) => ({ ...(await signedIn(cloud)), given: `job-${++handedIn}` }),
    async run(cloud, by, scene) {
      await assertSentOnce(cloud, await send(by, scene));
    },
    async again(cloud, scene) {
      const { id } = await accept(cloud.calm, scene);
      await cloud.clock.sleep(700_000);
      await cloud.calm.sendOutbox(scene.mailbox.id);
      await assertSentOnce(cloud, id);
    },
  },
  {
    name: 'the registration of a device, its binding, and new secrets for it',
    async prepare(cloud) {
      const office = await newOffice(cloud);
      const { enrolmentToken } = value(
        await cloud.calm.administration.enrolmentTokens.create(office.organization.id, 9),
      );
      return { ...office, given: enrolmentToken };
    },
    async run(_, by, scene) {
      assert.equal(await register(by, scene), 2, 'the printer, and the new one');
    },
    async again(cloud, scene) {
      await register(cloud.calm, scene);
    },
  },
];

/** By what is told of it, it went once, or twice where it is not known what became of the first try. */
const assertSentOnce = async ({ calm, world }: FaultyCloud, id: string): Promise<void> => {
  const { submission } = (await calm.records.submissions.get(id)) ?? assert.fail('the submission is gone');
  assert.equal(submission.status.state, 'sent', `expected success, got ${JSON.stringify(submission.status)}`);
  const copies = world.smtp.attempts.filter(({ content }) => content.includes(submission.messageId));
  assert.ok(copies.length >= 1 && copies.length <= 1 + (submission.unknownOutcomes ?? 0), `${copies.length} copies`);
};

const fetchPairedOrPairAgain = async (cloud: FaultyCloud, scene: Scene): Promise<void> => {
  const fetched = await cloud.calm.fetchToken(tokenRequest(scene.credential, { slot: 'user:jan' }));
  if (fetched.ok) assert.equal(fetched.value.account, scene.given);
  else await pair(cloud, cloud.calm, scene);
};

/** Of a flow's calls so many are failed for good, drawn by seed, and more until one of them was missed; with 1000, each. */
const RUNS = Number(process.env.AWS_FAULT_RUNS ?? 3);
const SEED = process.env.AWS_FAULT_SEED ?? 'flows';

/** All calls, in an order drawn by seed. */
const drawn = (flow: Flow, calls: number): readonly number[] => {
  const all = Array.from({ length: calls }, (_, index) => index + 1);
  const random = seededRandom(`${SEED} ${flow.name}`);
  return all
    .map((n) => ({ n, place: random.fraction() }))
    .sort((a, b) => a.place - b.place)
    .map(({ n }) => n);
};

const WRITES = /^(Put|Update|Delete|TransactWrite|Create|Send|Complete|Upload)/;

/** AWS's own error, or an answer of the broker's that is no success: whoever gets it tries again. */
const isRetry = (error: unknown): boolean =>
  isPassingFault(error) || (error instanceof AssertionError && /expected success|'waiting'/.test(error.message));

/** Which item, secret, object or queue is asked for. */
const placeOf = (input: object): string => {
  const {
    Key,
    Item,
    SecretId,
    Name,
    QueueUrl,
    TransactItems = [],
  } = input as {
    [name in 'Key' | 'SecretId' | 'Name' | 'QueueUrl']?: unknown;
  } & { Item?: { pk: unknown; sk: unknown }; TransactItems?: readonly object[] };
  const first = Object.values(TransactItems[0] ?? {})[0];
  if (first !== undefined) return placeOf(first);
  return JSON.stringify(Key ?? (Item && { pk: Item.pk, sk: Item.sk }) ?? SecretId ?? Name ?? QueueUrl);
};

describe('under AWS that fails now and then', () => {
  let emulators: Emulators;
  before(async () => {
    emulators = await startEmulators();
  });
  after(() => emulators.close());

  for (const flow of FLOWS) {
    /** Carries it out, struck by these rules. */
    const play = async (cloud: FaultyCloud, ...rules: readonly FaultRule[]) => {
      const scene = await cloud.clock.drive(flow.prepare(cloud));
      const by = cloud.start();
      const { points, strikes } = cloud.faults;
      const [from, struckBefore] = [points.length, strikes.length];
      cloud.faults.add(...rules);
      const outcome = await cloud.clock.drive(flow.run(cloud, by, scene)).then(
        () => 'good' as const,
        (error: unknown) => error,
      );
      cloud.faults.stop();
      return { scene, outcome, points: points.slice(from), strikes: strikes.slice(struckBefore) };
    };

    /** Of all that goes to one place the nth request. Each of them would never end: what was written seems not to be. */
    const everyNth = (nth: number, fault: AwsFault, isMeant: (operation: string) => boolean): FaultRule => {
      const met = new Map<string, number>();
      return {
        fault,
        when({ operation, input }) {
          if (!isMeant(operation)) return false;
          const place = `${operation} ${placeOf(input)}`;
          met.set(place, (met.get(place) ?? 0) + 1);
          return met.get(place) === nth;
        },
      };
    };

    it(`${flow.name} comes to its good end, though all are throttled once, lose their answers, or are repeated`, async () => {
      const cloud = await openFaultyCloud(emulators, { seed: flow.name });
      try {
        const isWrite = (operation: string) => WRITES.test(operation);
        const rules = [
          everyNth(1, 'throttle', () => true),
          everyNth(1, 'time_out_after', isWrite),
          everyNth(1, 'twice', isWrite),
        ];
        // Not every flow writes to one place more than once.
        const seconds = [everyNth(2, 'time_out_after', isWrite), everyNth(2, 'twice', isWrite)];
        for (const rule of [...rules, ...seconds]) {
          const { outcome, strikes } = await play(cloud, rule);
          assert.ok(strikes.length > 0 || seconds.includes(rule), `${rule.fault} struck nothing`);
          if (outcome === 'good') continue;
          const last = JSON.stringify(strikes.at(-1)?.input).slice(0, 300);
          throw new Error(`${rule.fault}, the last time at ${strikes.at(-1)?.operation} ${last}`, { cause: outcome });
        }
      } finally {
        cloud.close();
      }
    });

    it(`${flow.name} can be begun again, whichever call fails for good, carried out or not`, async (t) => {
      const cloud = await openFaultyCloud(emulators, { seed: flow.name });
      let failed = 0;
      try {
        const calls = (await play(cloud)).points.filter(({ level }) => level === 'call').length;
        for (const [run, n] of drawn(flow, calls).entries()) {
          if (run >= RUNS && failed > 0) break;
          // A call that failed may have been carried out, or not.
          const fault = n % 3 === 0 ? 'throttle' : 'time_out_after';
          const { scene, outcome, strikes } = await play(cloud, { fault, level: 'call', at: [n] });
          if (outcome === 'good') continue;
          failed++;
          const what = `${fault} at call ${n} of ${calls}, ${strikes[0]?.operation}, seed ${SEED}`;
          assert.ok(isRetry(outcome), `${what}: ${outcome}`);
          await cloud.clock.drive(cloud.clock.sleep(61_000));
          await cloud.clock.drive(flow.again(cloud, scene)).catch((cause: unknown) => {
            throw new Error(`${what}, and again: ${cause}`, { cause });
          });
        }
        assert.ok(failed > 0, 'nothing ever failed');
        t.diagnostic(`${calls} calls, ${failed} runs failed at first`);
      } finally {
        cloud.close();
      }
    });
  }
});
