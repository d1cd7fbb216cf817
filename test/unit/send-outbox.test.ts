import assert from 'node:assert/strict';
import type { Readable } from 'node:stream';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { AttemptOutcome, SubmissionState, SubmissionStatus } from '../../shared/domain/submission.ts';
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

describe('sendOutbox', () => {
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

  /** As it is told: with what keeps all mail of the mailbox. */
  const described = async (id: string, state: SubmissionState) => {
    const description = value(await process.readSubmission(office.device.clientId, id));
    assert.equal(description.state, state);
    return description;
  };

  const send = (by = process) => by.sendOutbox(office.mailbox.id);

  const statusOf = async <State extends SubmissionStatus['state']>(id: string, state: State) => {
    const { status } = await submissionOf(id);
    assert.equal(status.state, state);
    return status as Extract<SubmissionStatus, { state: State }>;
  };

  /** What a minute brings: the sweep, and the workers behind it. */
  const work = async (by = process): Promise<void> => {
    await by.sweepOutboxes();
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
    const [delivery] = world.smtp.attempts;
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
    const recipients = () => world.smtp.attempts.map(({ envelope }) => envelope.to);
    const partlyEntries = async () =>
      (await process.records.audit.list(office.organization.id, 100))
        .filter(({ action }) => action === 'submission.recipients-rejected')
        .map(({ detail }) => detail);

    it('tries those again who were refused for the moment, and nobody else', async () => {
      world.smtp.answerNext(SENT_TO_SOME);
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
      assert.deepEqual(
        world.blobs.keys(),
        [`submissions/${id}.eml`],
        'so that it can be sent again to who was refused',
      );
    });

    it('reports those who are still refused after two days, or for good at a later try', async () => {
      const answer = '554 5.7.1 Blocked';
      const blocked: AttemptOutcome = { outcome: 'failed', reason: 'invalid_recipient', response: answer };
      const still: AttemptOutcome = { ...DEFERRED, response: LATER.response };
      for (const [last, hours, response] of [
        [still, 49, LATER.response],
        [blocked, 1, answer],
      ] as const) {
        world.smtp.answerNext(SENT_TO_SOME, last);
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
      world.smtp.answerNext({ outcome: 'failed', reason: 'invalid_recipient', response: NEVER.response });
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
      newTokenMayHelp: true,
    };
    await advanceSeconds(world, 120);
    world.smtp.answerNext(refused);
    const healed = await handIn();
    await work();
    const [first, second] = world.smtp.attempts;
    assert.notEqual(second?.accessToken, first?.accessToken);
    await statusOf(healed, 'sent');

    await advanceSeconds(world, 120);
    world.smtp.answerNext(refused, refused);
    const held = await handIn();
    await work();
    await described(held, 'held');
    assert.equal(world.smtp.attempts.length, 4);
  });

  it('sends once, however many workers are called, and however often', async () => {
    const id = await handIn();
    world.smtp.gate.close();
    const workers = Array.from({ length: 6 }, () => send(startProcess(world)));
    await meanwhile(world);
    world.smtp.gate.open();
    await settle(world, Promise.all(workers));
    await send();
    await send(startProcess(world));
    assert.equal(world.smtp.attempts.length, 1);
    await statusOf(id, 'sent');
  });

  it('sends what a dead worker had claimed, once its claim has run out, under the same Message-ID', async () => {
    const id = await handIn();
    world.smtp.gate.close();
    // Its pace, its claim, and then the record of what became of it.
    const attempt = send(startProcess(world, { fuse: makeFuse(3, 'before') })).catch(() => undefined);
    await meanwhile(world);
    world.smtp.gate.open();
    await attempt;
    await statusOf(id, 'sending');
    await advanceSeconds(world, 599);
    await work();
    assert.equal(world.smtp.attempts.length, 1);
    await advanceSeconds(world, 1);
    await work();
    await statusOf(id, 'sent');
    const [first, second] = world.smtp.attempts;
    assert.equal(first?.content, second?.content);
    assert.match(first?.content ?? '', new RegExp(`Message-ID: <${id}@contoso.example>`));
    assert.equal((await submissionOf(id)).unknownOutcomes, 1, 'it may have arrived twice, and the record says so');
  });

  it('sends no third time what two workers had in hand when they died', async () => {
    const id = await handIn();
    for (let deaths = 0; deaths < 2; deaths++) {
      await send(startProcess(world, { fuse: makeFuse(deaths === 0 ? 3 : 4, 'before') })).catch(() => undefined);
      await statusOf(id, 'sending');
      await advanceSeconds(world, 601);
    }
    await work();
    assert.equal(world.smtp.attempts.length, 2);
    assert.equal((await statusOf(id, 'failed')).reason, 'outcome_unknown');
    assert.equal((await failedEntries()).length, 1);
  });

  it('lets no worker that lost its claim say how it ended', async () => {
    const id = await handIn();
    const slowTransport = scriptedTransport();
    slowTransport.answerNext(DEFERRED);
    slowTransport.gate.close();
    const slow = send(startProcess({ ...world, smtp: slowTransport }));
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

  it('closes what it has opened of a message that it cannot claim', async () => {
    await handIn();
    const opened: Readable[] = [];
    const open = async (key: string) => {
      const blob = await world.blobs.open(key);
      if (blob) opened.push(blob.stream);
      return blob;
    };
    const writeAll: World['table']['writeAll'] = async (writes) => {
      if (JSON.stringify(writes).includes('"state":"sending"')) throw new Error('no room left');
      return world.table.writeAll(writes);
    };
    const hindered = startProcess(
      { ...world, blobs: { ...world.blobs, open } },
      { table: { ...world.table, writeAll } },
    );
    await assert.rejects(send(hindered), /no room left/);
    assert.deepEqual(
      opened.map(({ destroyed }) => destroyed),
      [true],
    );
    assert.equal(world.smtp.attempts.length, 0);
  });

  it('reaches an end wherever the relay dies', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let write = 1; write <= 7; write++) {
        const id = await handIn();
        await send(startProcess(world, { fuse: makeFuse(write, moment) })).catch(() => undefined);
        await advanceSeconds(world, 601);
        await work();
        await statusOf(id, 'sent');
        assert.ok(world.smtp.attempts.some(({ content }) => content.includes(id)));
      }
    }
  });

  describe('when the server asks to come back later', () => {
    it('tries again after ever longer waits, and not before', async () => {
      world.smtp.answerAlways(DEFERRED);
      const id = await handIn();
      await work();
      for (let attempts = 1; attempts <= 9; attempts++) {
        const { until } = await statusOf(id, 'deferred');
        const ceiling = Math.min(HOUR, 60 * 2 ** (attempts - 1));
        const wait = until - now(world);
        assert.ok(wait >= ceiling / 2 && wait <= ceiling, `${wait} s after ${attempts} attempts`);
        await advanceSeconds(world, wait - 1);
        await work();
        assert.equal(world.smtp.attempts.length, attempts);
        await advanceSeconds(world, 1);
        await work();
        assert.equal(world.smtp.attempts.length, attempts + 1);
      }
      assert.equal(new Set(world.smtp.attempts.map(({ content }) => content)).size, 1);
      world.smtp.answerAlways(undefined);
      await advanceSeconds(world, HOUR);
      await work();
      await statusOf(id, 'sent');
    });

    it('waits as long as it asks', async () => {
      world.smtp.answerNext({ ...DEFERRED, retryAfterSeconds: 7200 });
      const id = await handIn();
      await work();
      assert.equal((await statusOf(id, 'deferred')).until, now(world) + 7200);
    });

    it('gives up after two days, and reports it', async () => {
      world.smtp.answerAlways(DEFERRED);
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
      const attempts = world.smtp.attempts.length;
      await advanceSeconds(world, HOUR);
      await work();
      assert.equal(world.smtp.attempts.length, attempts);
      assert.ok(world.blobs.keys().length === 1, 'what was not sent is kept');
    });
  });

  it('reports at once what the server refuses for good', async () => {
    world.smtp.answerNext({ outcome: 'failed', reason: 'invalid_recipient', response: '550 5.1.1 No such user' });
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
      for (const id of ids) assert.equal((await described(id, 'held')).reason, 'sign_in_lapsed');
      assert.equal(world.smtp.attempts.length, 0);
      value(await signIn(world, process, office.mailbox));
      await settle(world, process.workMail());
      for (const id of ids) await statusOf(id, 'sent');
      assert.deepEqual(
        world.smtp.attempts.map(({ content }) => ids.findIndex((id) => content.includes(id))),
        [0, 1, 2],
      );
    });

    it('holds it for weeks, without asking the provider', async () => {
      await lapse();
      const id = await handIn();
      const calls = world.microsoft.refreshCalls;
      for (let day = 0; day < 21; day++) {
        await advanceSeconds(world, 24 * HOUR);
        await work();
      }
      await described(id, 'held');
      assert.equal(world.microsoft.refreshCalls, calls);
      value(await signIn(world, process, office.mailbox));
      await settle(world, process.workMail());
      await statusOf(id, 'sent');
    });

    it('holds it too when the mail server refuses the sign-in, and looks again within the hour', async () => {
      world.smtp.answerNext({
        outcome: 'held',
        reason: 'conditional_access',
        response: '535 5.7.139 Authentication unsuccessful, the request did not meet the criteria.',
      });
      const id = await handIn();
      await work();
      const { nextAttemptAt = 0, reason } = await described(id, 'held');
      assert.equal(reason, 'conditional_access');
      assert.ok(nextAttemptAt - now(world) <= HOUR);
      await advanceSeconds(world, HOUR);
      await work();
      await statusOf(id, 'sent');
    });

    it('is resumed by a sign-in that another process completes, once', async () => {
      await lapse();
      const id = await handIn();
      await work();
      value(await signIn(world, startProcess(world), office.mailbox));
      await Promise.all([process.resumeOutbox(office.mailbox.id), process.resumeOutbox(office.mailbox.id)]);
      await settle(world, Promise.all([process.workMail(), startProcess(world).workMail()]));
      await statusOf(id, 'sent');
      assert.equal(world.smtp.attempts.length, 1);
      assert.deepEqual(await process.records.outboxes.pending(office.mailbox.id), []);
    });
  });

  it('defers, not holds, while the provider is down or refuses the registration of the broker', async () => {
    for (const fault of [unavailable(), REGISTRATION_REFUSED]) {
      await advanceSeconds(world, 3601);
      world.microsoft.failAlways(fault);
      const id = await handIn();
      await work();
      assert.equal((await described(id, 'deferred')).reason, fault.kind);
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
    assert.equal(world.smtp.attempts.length, 0);
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
      { outcome: 'unknown', response: 'The connection was lost.' },
      { ...DEFERRED, mailboxWide: true },
      { outcome: 'failed', reason: 'mail_server_refused_message', response: '554 5.6.0' },
    );
    const turn = fc.oneof(
      fc.record({ do: fc.constant('answers'), answer }),
      fc.record({
        do: fc.constant('dies'),
        at: fc.integer({ min: 1, max: 14 }),
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
            world.smtp.answerNext(one.answer);
            await work();
          } else {
            const fuse = makeFuse(one.at, one.moment);
            await work(startProcess(world, { fuse })).catch((error: unknown) => {
              if (!fuse.blown) throw error;
            });
          }
        }
        world.smtp.answerAlways(undefined);
        for (let hour = 0; hour < 3; hour++) {
          await advanceSeconds(world, HOUR + 1);
          await work();
        }
        for (const id of ids) {
          const { status, unknownOutcomes = 0 } = await submissionOf(id);
          const tries = world.smtp.attempts.filter(({ content }) => content.includes(id));
          assert.ok(status.state === 'sent' || status.state === 'failed', status.state);
          const isUnknown = status.state === 'failed' && status.reason === 'outcome_unknown';
          assert.equal(unknownOutcomes > 1, isUnknown);
          assert.ok(isUnknown || tries.some(({ outcome }) => outcome === status.state));
          assert.ok(new Set(tries.map(({ content }) => content)).size <= 1);
          const taken = tries.filter(({ outcome, envelope }) => outcome === 'sent' && envelope.to.length > 0);
          assert.ok(taken.length <= 1 + unknownOutcomes);
        }
      }),
      { numRuns: 100 },
    );
  });
});
