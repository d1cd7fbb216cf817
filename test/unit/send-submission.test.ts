import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { AttemptOutcome, SubmissionStatus } from '../../shared/domain/submission.ts';
import { makeFuse } from '../fakes/fuse.ts';
import { REGISTRATION_REFUSED, unavailable } from '../fakes/scripted-provider.ts';
import { scriptedTransport } from '../fakes/scripted-transport.ts';
import {
  advanceSeconds,
  makeWorld,
  meanwhile,
  now,
  type Office,
  type Process,
  settle,
  signedInOffice,
  signIn,
  startProcess,
  tokenRequest,
  value,
  type World,
} from './support.ts';

const HOUR = 3600;
const DEFERRED: AttemptOutcome = {
  outcome: 'deferred',
  reason: 'mail_server_unavailable',
  response: '451 4.7.500 Server busy. Please try again later',
};

describe('sendSubmission', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
  });

  const handIn = async (to?: readonly string[]) =>
    value(
      await process.acceptMessage({
        ...office.credential,
        slot: 'scan',
        message: Buffer.from('To: ann@contoso.example\r\nSubject: Scan\r\n\r\nSee below.\r\n'),
        envelopeTo: to?.join(', '),
        idempotencyKey: undefined,
      }),
    ).id;

  const submissionOf = async (id: string) => {
    const record = await process.records.submissions.get(id);
    assert.ok(record);
    return record.submission;
  };

  const statusOf = async <State extends SubmissionStatus['state']>(id: string, state: State) => {
    const { status } = await submissionOf(id);
    assert.equal(status.state, state);
    return status as Extract<SubmissionStatus, { state: State }>;
  };

  /** What a minute brings: the sweep, and the workers behind it. */
  const work = async (by = process): Promise<void> => {
    await by.sweepSubmissions();
    await settle(world, by.workMail());
  };

  const lapse = async (): Promise<void> => {
    world.microsoft.revoke('subject-of-scan@contoso.example');
    await advanceSeconds(world, 3601);
    await process.fetchToken(tokenRequest(office.credential));
  };

  const failedEntries = async () =>
    (await process.records.audit.list(office.organization.id, 100)).filter(
      ({ action }) => action === 'submission.failed',
    );

  it('sends as the mailbox, with a token of the provider, and lets go of the message', async () => {
    const id = await handIn();
    const { messageId, envelope } = await submissionOf(id);
    await work();
    const [delivery] = world.transport.attempts;
    assert.equal(delivery?.user, 'scan@contoso.example');
    assert.equal(delivery?.accessToken, world.microsoft.issued.at(-1)?.accessToken);
    assert.deepEqual(delivery?.envelope, envelope);
    assert.ok(delivery?.content.includes(`Message-ID: ${messageId}\r\n`));
    const { lastResponse, attempts } = await submissionOf(id);
    assert.deepEqual([lastResponse, attempts], ['250 2.0.0 OK', 1]);
    await statusOf(id, 'sent');
    assert.deepEqual(world.blobs.keys(), []);
  });

  describe('to several recipients', () => {
    const TO = ['ann@contoso.example', 'bob@contoso.example', 'eve@contoso.example'];
    const LATER = { address: 'bob@contoso.example', response: '451 4.2.1 Greylisted' };
    const NEVER = { address: 'eve@contoso.example', response: '550 5.1.1 No such user' };
    const SENT_TO_SOME: AttemptOutcome = {
      outcome: 'sent',
      response: '250 OK',
      refused: [
        { ...LATER, tryAgain: true },
        { ...NEVER, tryAgain: false },
      ],
    };
    const recipients = () => world.transport.attempts.map(({ envelope }) => envelope.to);
    const partlyEntries = async () =>
      (await process.records.audit.list(office.organization.id, 100))
        .filter(({ action }) => action === 'submission.recipients-rejected')
        .map(({ detail }) => detail);

    it('tries those again who were refused for the moment, and nobody else', async () => {
      world.transport.answerNext(SENT_TO_SOME);
      const id = await handIn(TO);
      await work();
      await statusOf(id, 'deferred');
      const { delivered, rejected, lastResponse } = await submissionOf(id);
      assert.deepEqual(
        { delivered, rejected, lastResponse },
        {
          delivered: ['ann@contoso.example'],
          rejected: [NEVER],
          lastResponse: LATER.response,
        },
      );
      await advanceSeconds(world, HOUR);
      await work();
      await statusOf(id, 'sent');
      assert.deepEqual(recipients(), [TO, [LATER.address]]);
      assert.deepEqual((await submissionOf(id)).delivered, ['ann@contoso.example', LATER.address]);
      assert.deepEqual(await partlyEntries(), [`${NEVER.address}: ${NEVER.response}`]);
      assert.deepEqual(world.blobs.keys(), []);
    });

    it('reports those who are still refused after two days, or for good at a later try', async () => {
      const answer = '554 5.7.1 Blocked';
      const blocked: AttemptOutcome = { outcome: 'failed', reason: 'invalid_recipient', response: answer };
      const still: AttemptOutcome = { ...DEFERRED, response: LATER.response };
      for (const [last, hours, response] of [
        [still, 49, LATER.response],
        [blocked, 1, answer],
      ] as const) {
        world.transport.answerNext(SENT_TO_SOME, last);
        const id = await handIn(TO);
        await work();
        await advanceSeconds(world, hours * HOUR);
        await work();
        await statusOf(id, 'sent');
        const { delivered, rejected } = await submissionOf(id);
        assert.deepEqual(delivered, ['ann@contoso.example']);
        assert.deepEqual(rejected, [NEVER, { address: LATER.address, response }]);
      }
      assert.equal((await partlyEntries()).length, 2);
      assert.equal((await failedEntries()).length, 0);
    });

    it('has failed where nobody got it', async () => {
      world.transport.answerNext({ outcome: 'failed', reason: 'invalid_recipient', response: NEVER.response });
      const id = await handIn(TO);
      await work();
      assert.equal((await statusOf(id, 'failed')).reason, 'invalid_recipient');
      assert.deepEqual(
        (await submissionOf(id)).rejected,
        TO.map((address) => ({ address, response: NEVER.response })),
      );
      assert.equal((await failedEntries()).length, 1);
    });
  });

  it('tries a new token once where the server does not take the cached one, then holds the mail', async () => {
    const refused: AttemptOutcome = {
      outcome: 'held',
      reason: 'mail_server_refused_sign_in',
      response: '535 5.7.3 Authentication unsuccessful',
    };
    await advanceSeconds(world, 120);
    world.transport.answerNext(refused);
    const healed = await handIn();
    await work();
    const [first, second] = world.transport.attempts;
    assert.notEqual(second?.accessToken, first?.accessToken);
    await statusOf(healed, 'sent');

    await advanceSeconds(world, 120);
    world.transport.answerNext(refused, refused);
    const held = await handIn();
    await work();
    await statusOf(held, 'held');
    assert.equal(world.transport.attempts.length, 4);

    // A second try that began this late could outlast the claim, and another worker would send the mail as well.
    await advanceSeconds(world, 120);
    world.transport.answerNext(refused);
    const late = await handIn();
    world.transport.gate.close();
    const sending = process.sendSubmission(late);
    await meanwhile(world);
    await advanceSeconds(world, 61);
    world.transport.gate.open();
    await settle(world, sending);
    await statusOf(late, 'held');
    assert.equal(world.transport.attempts.length, 5);
  });

  it('sends once, however many workers are called, and however often', async () => {
    const id = await handIn();
    world.transport.gate.close();
    const workers = Array.from({ length: 6 }, () => startProcess(world).sendSubmission(id));
    await meanwhile(world);
    world.transport.gate.open();
    await settle(world, Promise.all(workers));
    await process.sendSubmission(id);
    await startProcess(world).sendSubmission(id);
    assert.equal(world.transport.attempts.length, 1);
    await statusOf(id, 'sent');
  });

  it('sends what a dead worker had claimed, once its claim has run out, under the same Message-ID', async () => {
    const id = await handIn();
    world.transport.gate.close();
    const dying = startProcess(world, { fuse: makeFuse(2, 'before') });
    const attempt = dying.sendSubmission(id).catch(() => undefined);
    await meanwhile(world);
    world.transport.gate.open();
    await attempt;
    await statusOf(id, 'sending');
    await advanceSeconds(world, 599);
    await work();
    assert.equal(world.transport.attempts.length, 1);
    await advanceSeconds(world, 1);
    await work();
    await statusOf(id, 'sent');
    const [first, second] = world.transport.attempts;
    assert.equal(first?.content, second?.content);
    assert.match(first?.content ?? '', new RegExp(`Message-ID: <${id}@contoso.example>`));
  });

  it('lets no worker that lost its claim say how it ended', async () => {
    const id = await handIn();
    const slowTransport = scriptedTransport();
    slowTransport.answerNext(DEFERRED);
    slowTransport.gate.close();
    const slow = startProcess({ ...world, transport: slowTransport }).sendSubmission(id);
    await meanwhile(world);
    await advanceSeconds(world, 601);
    await work();
    const before = await submissionOf(id);
    assert.equal(before.status.state, 'sent');
    slowTransport.gate.open();
    await settle(world, slow);
    assert.equal(slowTransport.attempts.length, 1);
    assert.deepEqual(await submissionOf(id), before);
    assert.equal(world.log.of('submission.claim_lost').length, 1);
  });

  it('reaches an end wherever the relay dies', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let write = 1; write <= 4; write++) {
        const id = await handIn();
        const dying = startProcess(world, { fuse: makeFuse(write, moment) });
        await dying.sendSubmission(id).catch(() => undefined);
        await advanceSeconds(world, 601);
        await work();
        await statusOf(id, 'sent');
        assert.ok(world.transport.attempts.some(({ content }) => content.includes(id)));
      }
    }
  });

  describe('when the server asks to come back later', () => {
    it('tries again after ever longer waits, and not before', async () => {
      world.transport.answerAlways(DEFERRED);
      const id = await handIn();
      await work();
      for (let attempts = 1; attempts <= 9; attempts++) {
        const { until } = await statusOf(id, 'deferred');
        const ceiling = Math.min(HOUR, 60 * 2 ** (attempts - 1));
        const wait = until - now(world);
        assert.ok(wait >= ceiling / 2 && wait <= ceiling, `${wait} s after ${attempts} attempts`);
        await advanceSeconds(world, wait - 1);
        await work();
        assert.equal(world.transport.attempts.length, attempts);
        await advanceSeconds(world, 1);
        await work();
        assert.equal(world.transport.attempts.length, attempts + 1);
      }
      assert.equal(new Set(world.transport.attempts.map(({ content }) => content)).size, 1);
      world.transport.answerAlways(undefined);
      await advanceSeconds(world, HOUR);
      await work();
      await statusOf(id, 'sent');
    });

    it('waits as long as it asks', async () => {
      world.transport.answerNext({ ...DEFERRED, retryAfterSeconds: 7200 });
      const id = await handIn();
      await work();
      assert.equal((await statusOf(id, 'deferred')).until, now(world) + 7200);
    });

    it('gives up after two days, and reports it', async () => {
      world.transport.answerAlways(DEFERRED);
      const id = await handIn();
      const acceptedAt = now(world);
      await work();
      while (now(world) - acceptedAt <= 48 * HOUR) {
        await statusOf(id, 'deferred');
        await advanceSeconds(world, HOUR);
        await work();
      }
      assert.equal((await statusOf(id, 'failed')).reason, 'mail_server_unavailable');
      assert.deepEqual(
        (await failedEntries()).map(({ subject, detail }) => [subject, detail]),
        [[id, DEFERRED.response]],
      );
      const attempts = world.transport.attempts.length;
      await advanceSeconds(world, HOUR);
      await work();
      assert.equal(world.transport.attempts.length, attempts);
      assert.ok(world.blobs.keys().length === 1, 'what was not sent is kept');
    });
  });

  it('reports at once what the server refuses for good', async () => {
    world.transport.answerNext({ outcome: 'failed', reason: 'invalid_recipient', response: '550 5.1.1 No such user' });
    const id = await handIn();
    await work();
    assert.equal((await statusOf(id, 'failed')).reason, 'invalid_recipient');
    assert.equal((await failedEntries()).length, 1);
  });

  describe('while the mailbox needs a person', () => {
    it('holds mail, and sends it after the next sign-in, oldest first', async () => {
      await lapse();
      const ids: string[] = [];
      for (let count = 0; count < 3; count++) {
        await advanceSeconds(world, 1);
        ids.push(await handIn());
      }
      await work();
      for (const id of ids) assert.equal((await statusOf(id, 'held')).reason, 'sign_in_lapsed');
      assert.equal(world.transport.attempts.length, 0);
      value(await signIn(world, process, office.mailbox));
      await settle(world, process.workMail());
      for (const id of ids) await statusOf(id, 'sent');
      assert.deepEqual(
        world.transport.attempts.map(({ content }) => ids.findIndex((id) => content.includes(id))),
        [0, 1, 2],
      );
    });

    it('hands out what waited for one mailbox one at a time', async () => {
      await lapse();
      await handIn();
      await handIn();
      await work();
      value(await signIn(world, process, office.mailbox));
      const one = await world.mailQueue.receive({ limit: 1, waitSeconds: 0 });
      assert.equal(one.length, 1);
      assert.deepEqual(await world.mailQueue.receive({ limit: 10, waitSeconds: 0 }), []);
      for (const message of one) await world.mailQueue.done(message);
      assert.equal((await world.mailQueue.receive({ limit: 10, waitSeconds: 0 })).length, 1);
    });

    it('holds it for weeks, without asking the provider', async () => {
      await lapse();
      const id = await handIn();
      const calls = world.microsoft.refreshCalls;
      for (let day = 0; day < 21; day++) {
        await advanceSeconds(world, 24 * HOUR);
        await work();
      }
      await statusOf(id, 'held');
      assert.equal(world.microsoft.refreshCalls, calls);
      value(await signIn(world, process, office.mailbox));
      await settle(world, process.workMail());
      await statusOf(id, 'sent');
    });

    it('holds it too when the mail server refuses the sign-in, and looks again within the hour', async () => {
      world.transport.answerNext({
        outcome: 'held',
        reason: 'mail_server_refused_sign_in',
        response: '535 5.7.139 SmtpClientAuthentication is disabled for the Tenant.',
      });
      const id = await handIn();
      await work();
      const { recheckAt, reason } = await statusOf(id, 'held');
      assert.equal(reason, 'mail_server_refused_sign_in');
      assert.ok(recheckAt - now(world) <= HOUR);
      await advanceSeconds(world, HOUR);
      await work();
      await statusOf(id, 'sent');
    });

    it('is resumed by a sign-in that another process completes, once', async () => {
      await lapse();
      const id = await handIn();
      await work();
      value(await signIn(world, startProcess(world), office.mailbox));
      await Promise.all([process.resumeHeld(office.mailbox.id), process.resumeHeld(office.mailbox.id)]);
      await settle(world, Promise.all([process.workMail(), startProcess(world).workMail()]));
      await statusOf(id, 'sent');
      assert.equal(world.transport.attempts.length, 1);
      assert.deepEqual(await process.records.submissions.heldOf(office.mailbox.id), []);
    });
  });

  it('defers, not holds, while the provider is down or refuses the registration of the broker', async () => {
    for (const fault of [unavailable(), REGISTRATION_REFUSED]) {
      await advanceSeconds(world, 3601);
      world.microsoft.failAlways(fault);
      const id = await handIn();
      await work();
      assert.equal((await statusOf(id, 'deferred')).reason, fault.kind);
      world.microsoft.failAlways(undefined);
      await advanceSeconds(world, HOUR);
      await work();
      await statusOf(id, 'sent');
    }
  });

  it('fails, reported, where the mailbox was removed', async () => {
    const id = await handIn();
    value(await process.administration.devices.unbind(office.device.clientId, 'scan'));
    value(await process.administration.mailboxes.remove(office.mailbox.id));
    await work();
    await statusOf(id, 'failed');
    assert.equal((await failedEntries()).length, 1);
  });

  it('fails, reported, where the stored message is gone', async () => {
    const id = await handIn();
    await world.blobs.delete(`submissions/${id}.eml`);
    await work();
    assert.equal((await statusOf(id, 'failed')).reason, 'internal');
    assert.equal((await failedEntries()).length, 1);
    assert.equal(world.transport.attempts.length, 0);
  });

  it('has no message vanish in any course of answers, deaths and repeats', async () => {
    const answer = fc.constantFrom<AttemptOutcome>(
      { outcome: 'sent', response: '250 OK', refused: [] },
      {
        outcome: 'sent',
        response: '250 OK',
        refused: [{ address: 'bob@contoso.example', response: '451 4.2.1 Greylisted', tryAgain: true }],
      },
      DEFERRED,
      { outcome: 'held', reason: 'mail_server_refused_sign_in', response: '535 5.7.3' },
      { outcome: 'failed', reason: 'mail_server_refused_message', response: '554 5.6.0' },
    );
    const turn = fc.oneof(
      fc.record({ do: fc.constant('answers'), answer }),
      fc.record({
        do: fc.constant('dies'),
        at: fc.integer({ min: 1, max: 9 }),
        moment: fc.constantFrom('before', 'after'),
      }),
      fc.record({ do: fc.constant('passes'), seconds: fc.constantFrom(1, 61, 601, 3601) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { maxLength: 12 }), async (turns) => {
        world = makeWorld();
        ({ process, ...office } = await signedInOffice(world));
        world.microsoft.rotation = 'lenient';
        const ids = [await handIn(), await handIn()];
        for (const one of turns) {
          if (one.do === 'passes') await advanceSeconds(world, one.seconds);
          else if (one.do === 'answers') {
            world.transport.answerNext(one.answer);
            await work();
          } else {
            const fuse = makeFuse(one.at, one.moment);
            await work(startProcess(world, { fuse })).catch((error: unknown) => {
              if (!fuse.blown) throw error;
            });
          }
        }
        world.transport.answerAlways(undefined);
        for (let hour = 0; hour < 3; hour++) {
          await advanceSeconds(world, HOUR + 1);
          await work();
        }
        for (const id of ids) {
          const { status } = await submissionOf(id);
          const tries = world.transport.attempts.filter(({ content }) => content.includes(id));
          assert.ok(status.state === 'sent' || status.state === 'failed', status.state);
          assert.ok(tries.some(({ outcome }) => outcome === status.state));
          assert.equal(new Set(tries.map(({ content }) => content)).size, 1);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('sweepSubmissions', () => {
  it('looks again at what a stale index names', async () => {
    const world = makeWorld();
    const { process, credential } = await signedInOffice(world);
    const message = Buffer.from('To: ann@contoso.example\r\n\r\nHello\r\n');
    const handedIn = { ...credential, slot: 'scan', message, envelopeTo: undefined, idempotencyKey: undefined };
    const { id } = value(await process.acceptMessage(handedIn));
    await settle(world, process.workMail());
    const stale = { pk: `submission#${id}`, sk: 'submission', dueAt: 0 };
    const gone = { pk: 'submission#sub_none', sk: 'submission', dueAt: 0 };
    const sweeping = startProcess(world, { table: { ...world.table, due: async () => [stale, gone] } });
    assert.equal(await sweeping.sweepSubmissions(), 0);
    await settle(world, process.workMail());
    assert.equal(world.transport.attempts.length, 1);
  });

  it('queues nothing that is neither due nor lost', async () => {
    const world = makeWorld();
    const { process, credential } = await signedInOffice(world);
    const message = Buffer.from('To: ann@contoso.example\r\n\r\nHello\r\n');
    const handedIn = { ...credential, slot: 'scan', message, envelopeTo: undefined, idempotencyKey: undefined };
    value(await process.acceptMessage(handedIn));
    assert.equal(await process.sweepSubmissions(), 0);
    await settle(world, process.workMail());
    await advanceSeconds(world, 24 * HOUR);
    assert.equal(await process.sweepSubmissions(), 0);
  });
});
