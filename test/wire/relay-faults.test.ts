import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { SmtpTimeouts } from '../../shared/adapters/nodemailer/nodemailer-transport.ts';
import type { ErrorKind } from '../../shared/domain/errors.ts';
import type { FaultOptions, ProxyFault, ProxyStep } from '../fakes/fault-proxy.ts';
import { memoryLog } from '../fakes/memory-log.ts';
import { composeMachine } from './relay/compose.ts';
import type { Scan } from './relay/scan.ts';
import { aheadClock, arrivedFor, handIn, openOffice, openPlace, startWorld, told, type World } from './relay/scene.ts';

/** A silent server is waited for no longer than a test likes to wait; a slow machine is. */
const SHORT = { silenceMs: 1500, replyMs: 1500, overallMs: 20_000 };
const SHORT_OPENING = { openingMs: 3000 };

const HOUR = 3600;
const FIVE_MB = 5_000_000;

/** What becomes of the message that the fault strikes, and of the two behind it. */
type Becomes =
  /** All wait, as it was said of the mailbox or of its server. */
  | 'paused'
  /** All wait for a person. */
  | 'held'
  /** It waits alone; the others go. */
  | 'deferred'
  /** The same, and the record says that it may have arrived. */
  | 'unknown'
  /** It is over, and the others go. */
  | 'failed'
  | 'sent';

interface Row {
  readonly at: ProxyStep;
  readonly fault: ProxyFault;
  readonly becomes: Becomes;
  readonly reason?: ErrorKind;
  /** How often the first message arrives in the end; 1 where nothing is said. */
  readonly arrives?: number;
  /** Of the first message, after the fault; 1 where nothing is said. */
  readonly attempts?: number;
  readonly sizeBytes?: number;
  readonly options?: FaultOptions;
}

const drop = (side: 'before' | 'after'): ProxyFault => ({ kind: 'drop', side });
const hang = (side: 'before' | 'after'): ProxyFault => ({ kind: 'hang', side });
const reply = (text: string): ProxyFault => ({ kind: 'reply', text });
const slow: ProxyFault = { kind: 'delay', milliseconds: 200 };

const BUSY = '451 4.7.500 Server busy. Please try again later';
const CLOSING = '421 4.3.2 Service not available, closing transmission channel';
const THREADS = '432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded';
const SWITCHED_OFF = '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.';
const POLICY = '535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated.';
const DENIED = '554 5.2.252 SendAsDenied; scan@contoso.example not allowed to send as ceo@contoso.example';
const QUOTA = '554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message';
const GARBAGE = 'what?';

const BEFORE_SIGN_IN = ['connect', 'EHLO', 'STARTTLS', 'tls', 'secure EHLO', 'AUTH'] as const;
const ENVELOPE = ['MAIL', 'RCPT', 'DATA'] as const;

const rows = (steps: readonly ProxyStep[], faults: readonly ProxyFault[], becomes: Becomes, more: Partial<Row> = {}) =>
  steps.flatMap((at) => faults.map((fault): Row => ({ at, fault, becomes, ...more })));

const ROWS: readonly Row[] = [
  // Before the sign-in it is the server's trouble, whatever message waits.
  ...rows(BEFORE_SIGN_IN, [drop('before')], 'paused'),
  ...rows(['EHLO', 'STARTTLS', 'secure EHLO', 'AUTH'], [drop('after')], 'paused'),
  ...rows(BEFORE_SIGN_IN, [hang('before')], 'paused'),
  ...rows(['connect', 'EHLO', 'secure EHLO', 'AUTH'], [reply(GARBAGE)], 'paused'),
  ...rows(['STARTTLS', 'tls'], [reply(GARBAGE)], 'paused', { reason: 'mail_server_misconfigured' }),
  ...rows(['STARTTLS'], [reply('454 4.7.0 TLS not available due to temporary reason')], 'paused'),
  ...rows(['connect', 'EHLO', 'STARTTLS', 'secure EHLO', 'AUTH'], [reply(CLOSING)], 'paused'),
  ...rows(['connect', 'AUTH'], [THREADS, '450 4.7.0 Try later', '452 4.3.1 Too much', BUSY].map(reply), 'paused'),
  ...rows(['AUTH'], [reply(SWITCHED_OFF)], 'held', { reason: 'smtp_switched_off', attempts: 2 }),
  ...rows(['AUTH'], [reply(POLICY)], 'held', { reason: 'conditional_access' }),
  // A token that was ended before its time: another is fetched at once.
  ...rows(['AUTH'], [reply('535 5.7.3 Authentication unsuccessful')], 'sent', { attempts: 2 }),

  // In the envelope nothing is handed over yet.
  ...rows(ENVELOPE, [drop('before'), drop('after'), hang('before'), reply(GARBAGE)], 'deferred'),
  ...rows(ENVELOPE, [CLOSING, THREADS, BUSY].map(reply), 'paused'),
  ...rows(['MAIL'], ['450 4.2.1 Too fast', '452 4.3.1 Too much'].map(reply), 'paused'),
  ...rows(['RCPT', 'DATA'], ['450 4.2.1 Later', '452 4.2.2 Full'].map(reply), 'deferred'),
  ...rows(['MAIL'], [reply('550 5.1.8 Access denied, bad outbound sender')], 'held', { reason: 'account_unavailable' }),
  ...rows(ENVELOPE, [reply(DENIED)], 'failed', { reason: 'sender_not_allowed', arrives: 0 }),
  ...rows(['RCPT'], [reply('550 5.1.1 No such user')], 'failed', { reason: 'invalid_recipient', arrives: 0 }),
  ...rows([...ENVELOPE, '.'], [reply(QUOTA)], 'paused', { reason: 'sending_limit_reached' }),

  // A small message is on its way whole before anything can be heard of it.
  ...rows(['content'], [drop('before'), hang('before')], 'unknown', { options: { afterBytes: 50 } }),
  ...rows(['content'], [reply(CLOSING)], 'paused', { options: { afterBytes: 50 } }),

  // Of a large one the server has not seen the end, and the record says so.
  ...rows(['content'], [drop('before')], 'deferred', { sizeBytes: FIVE_MB, options: { afterBytes: 1000 } }),
  ...rows(['content'], [reply(CLOSING)], 'paused', { sizeBytes: FIVE_MB, options: { afterBytes: 1000 } }),
  ...rows(['.'], [drop('after')], 'unknown', { sizeBytes: FIVE_MB, arrives: 2 }),

  // The whole message was handed over.
  ...rows(['.'], [drop('before'), hang('before')], 'unknown'),
  ...rows(['.'], [drop('after'), hang('after')], 'unknown', { arrives: 2 }),
  ...rows(['.'], [reply(GARBAGE)], 'unknown'),
  ...rows(['.'], [CLOSING, THREADS, BUSY].map(reply), 'paused'),
  ...rows(['.'], ['450 4.3.0 Later', '452 4.3.1 Full'].map(reply), 'deferred'),
  ...rows(['.'], [reply(DENIED)], 'failed', { reason: 'sender_not_allowed', arrives: 0 }),
  ...rows(['.'], [reply('554 5.6.0 Invalid message content')], 'failed', {
    reason: 'mail_server_refused_message',
    arrives: 0,
  }),

  // Between two messages nothing is lost.
  ...rows(['QUIT'], [drop('before'), hang('before'), reply(GARBAGE)], 'sent'),

  // Slow is not broken.
  ...rows(['connect', 'EHLO', 'STARTTLS', 'secure EHLO', 'AUTH', ...ENVELOPE, 'content', '.', 'QUIT'], [slow], 'sent'),
];

const NAMES = ['first', 'second', 'third'] as const;

/** A broker of its own, with its own line to the server, and two mailboxes. */
const openScene = async (world: World, name: string, t: TestContext, timeouts: Partial<SmtpTimeouts> = {}) => {
  const { place, proxy } = await openPlace(world, name);
  const clock = aheadClock();
  const machine = composeMachine(place, { clock, log: memoryLog(), timeouts });
  t.after(async () => {
    await proxy.close();
    machine.close();
  });
  const [mine, other] = [await openOffice(machine, `mine-${name}`), await openOffice(machine, `other-${name}`)];
  const give = async (scans: readonly Scan[]): Promise<readonly string[]> => {
    const ids: string[] = [];
    for (const scan of scans) ids.push(await handIn(machine, mine, scan));
    return ids;
  };
  return {
    ...{ proxy, clock, machine, mine, other, give },
    tell: (ids: readonly string[]) => Promise.all(ids.map((id) => told(machine, mine, id))),
    arrived: () => arrivedFor(world, mine.mailbox.address),
    namesArrived: async () => (await arrivedFor(world, mine.mailbox.address)).map((message) => message.name),
    /** While time stands still: the other mailbox is served, whatever the first one's trouble. */
    async serveOther(): Promise<void> {
      const id = await handIn(machine, other, { name: 'other' });
      await machine.sendOutbox(other.mailbox.id);
      assert.equal((await told(machine, other, id)).state, 'sent', 'the other mailbox is delayed');
    },
  };
};

const STATES: Readonly<Record<Becomes, readonly [first: string, others: string]>> = {
  paused: ['deferred', 'deferred'],
  held: ['held', 'held'],
  deferred: ['deferred', 'sent'],
  unknown: ['deferred', 'sent'],
  failed: ['failed', 'sent'],
  sent: ['sent', 'sent'],
};

/** Who is struck alone lets the others go first; else the order is that of acceptance. */
const orderOf = ({ becomes, arrives = 1 }: Row): readonly string[] => {
  const [first, ...others] = NAMES;
  if (becomes === 'failed') return others;
  const isAlone = becomes === 'deferred' || becomes === 'unknown';
  return [...(!isAlone || arrives > 1 ? [first] : []), ...others, ...(isAlone ? [first] : [])];
};

const timeoutsOf = ({ at, fault }: Row): Partial<SmtpTimeouts> => {
  if (fault.kind !== 'hang') return {};
  return BEFORE_SIGN_IN.some((step) => step === at) ? SHORT_OPENING : SHORT;
};

const nameOf = ({ at, fault, becomes, sizeBytes }: Row): string => {
  const side = 'side' in fault ? ` ${fault.side}` : '';
  const text = fault.kind === 'reply' ? ` "${fault.text.slice(0, 40)}"` : '';
  const size = sizeBytes === undefined ? '' : `, of ${sizeBytes / 1e6} MB`;
  return `${fault.kind}${side} at ${at}${text}: ${becomes}${size}`;
};

describe('the relay, over a faulty line to a real mail server', { concurrency: 8 }, () => {
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.close());

  for (const [index, row] of ROWS.entries()) {
    it(nameOf(row), async (t) => {
      const scene = await openScene(world, `row-${index}`, t, timeoutsOf(row));
      const { sizeBytes = 0 } = row;
      const ids = await scene.give(NAMES.map((name) => ({ name, sizeBytes: name === 'first' ? sizeBytes : 0 })));
      const fault = scene.proxy.at(row.at, row.fault, row.options);
      const working = scene.machine.work();
      await Promise.race([fault.struck, working]);
      assert.equal(fault.strikes(), 1, 'the fault did not strike');
      await scene.serveOther();
      await working;

      const [first = {}, ...others] = await scene.tell(ids);
      const [state, stateOfOthers] = STATES[row.becomes];
      const reason = row.reason ?? (state === 'sent' ? undefined : 'mail_server_unavailable');
      const { attempts = 1 } = row;
      const unknown = row.becomes === 'unknown' ? 1 : undefined;
      assert.deepEqual(
        [first.state, first.reason, first.attempts, first.unknown_outcomes],
        [state, reason, attempts, unknown],
        JSON.stringify(first),
      );
      for (const other of others) {
        assert.deepEqual([other.state, other.attempts], [stateOfOthers, stateOfOthers === 'sent' ? 1 : 0]);
      }
      if (row.fault.kind === 'reply' && /^[45]/.test(row.fault.text) && row.becomes !== 'sent') {
        assert.ok(String(first.last_response).includes(row.fault.text), String(first.last_response));
      }

      scene.clock.advance(HOUR + 1);
      await scene.machine.work();
      for (const [at, one] of (await scene.tell(ids)).entries()) {
        assert.equal(one.state, row.becomes === 'failed' && at === 0 ? 'failed' : 'sent', JSON.stringify(one));
      }
      const arrived = await scene.arrived();
      assert.deepEqual(
        arrived.map(({ name }) => name),
        orderOf(row),
      );
      const copies = arrived.filter(({ name }) => name === 'first');
      for (const { messageId, sha256 } of copies) {
        assert.deepEqual([messageId, sha256], [first.message_id, copies[0]?.sha256]);
      }
    });
  }

  it('tries no third time where it was never heard whether a message was taken', async (t) => {
    const scene = await openScene(world, 'twice', t);
    const [id = ''] = await scene.give([{ name: 'first' }]);
    const fault = scene.proxy.at('.', drop('after'), { times: 9 });
    for (let hours = 0; hours < 60; hours++) {
      await scene.machine.work();
      scene.clock.advance(HOUR);
    }
    const [first = {}] = await scene.tell([id]);
    assert.deepEqual([first.state, first.reason, first.unknown_outcomes], ['failed', 'outcome_unknown', 2]);
    assert.deepEqual([fault.strikes(), await scene.namesArrived()], [2, ['first', 'first']]);
    const [reported] = await scene.machine.records.audit.list(scene.mine.mailbox.organizationId, 1);
    assert.deepEqual([reported?.action, reported?.subject], ['submission.failed', id]);
  });

  it('sends again to nobody but those who were refused for the moment', async (t) => {
    const scene = await openScene(world, 'recipients', t);
    const to = ['ann@contoso.example', 'bob@contoso.example', 'eve@contoso.example'];
    const [id = ''] = await scene.give([{ name: 'first', to }]);
    scene.proxy.at('RCPT', reply('450 4.2.1 Later'));
    await scene.machine.work();
    scene.proxy.at('RCPT', drop('before'));
    scene.clock.advance(HOUR);
    await scene.machine.work();
    scene.clock.advance(HOUR);
    await scene.machine.work();
    assert.equal((await scene.tell([id]))[0]?.state, 'sent');
    const [early, late, ...none] = await scene.arrived();
    assert.deepEqual([early?.to, late?.to, none], [to.slice(1), to.slice(0, 1), []]);
    assert.equal(early?.messageId, late?.messageId);
  });

  it('asks a server that is down for two days ever more seldom, then gives up and reports it', async (t) => {
    const scene = await openScene(world, 'down', t);
    const ids = await scene.give(NAMES.map((name) => ({ name })));
    scene.proxy.at('connect', drop('before'), { times: 10_000 });
    const connectionsAt: number[] = [];
    for (let minutes = 0; minutes <= 50 * 60; minutes += 15) {
      await scene.machine.work();
      connectionsAt.push(scene.proxy.connections());
      scene.clock.advance(900);
    }
    for (const one of await scene.tell(ids))
      assert.deepEqual([one.state, one.reason], ['failed', 'mail_server_unavailable']);
    const perHour = connectionsAt.slice(4).map((count, index) => count - (connectionsAt[index] ?? 0));
    assert.ok(Math.max(...perHour.slice(8)) <= 4, `${Math.max(...perHour.slice(8))} connections within an hour`);
    t.diagnostic(`${connectionsAt.at(-1)} connections in 50 hours`);
    assert.deepEqual(await scene.namesArrived(), []);
    const reported = await scene.machine.records.audit.list(scene.mine.mailbox.organizationId, 20);
    assert.equal(reported.filter(({ action }) => action === 'submission.failed').length, NAMES.length);
  });
});
