import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Authority } from '../../shared/domain/authority.ts';
import {
  type ConnectionTest,
  TEST_LIMIT_SECONDS,
  TEST_PAUSE_SECONDS,
  type TestStep,
} from '../../shared/domain/connection-test.ts';
import { NO_PACE } from '../../shared/domain/pace.ts';
import { ok } from '../../shared/domain/result.ts';
import type { ProbeRequest } from '../../shared/ports/mail-probe.ts';
import type { MailboxTester } from '../../shared/ports/mailbox-tester.ts';
import { makeAdministrationFor } from '../../shared/usecases/administration/index.ts';
import { makeTestMailbox } from '../../shared/usecases/mail/test-mailbox.ts';
import { CONSENT_MISSING, INVALID_GRANT, REGISTRATION_REFUSED, unavailable } from '../fakes/scripted-provider.ts';
import {
  advanceSeconds,
  failure,
  makeWorld,
  now,
  type Office,
  openOffice,
  type Process,
  settle,
  signedInOffice,
  startProcess,
  value,
  type World,
} from './support.ts';

const PASSED: readonly TestStep[] = [
  { step: 'auth', durationMs: 1, outcome: 'passed', seen: 'auth', facts: {} },
  { step: 'message', durationMs: 0, outcome: 'left_out', why: 'no_recipient' },
];

const message = (outcome: 'passed' | 'unknown' | 'refused'): TestStep => {
  const ended = { step: 'message', durationMs: 1, facts: {} } as const;
  if (outcome === 'passed') return { ...ended, outcome: 'passed', seen: 'message' };
  const why = outcome === 'unknown' ? ('outcome_unknown' as const) : ('message_refused' as const);
  return { ...ended, outcome: 'failed', why, error: { kind: 'mail_server_refused_message' } };
};

/** A tester over the world, with a probe that notes what it is asked and answers what the test says. */
const testerOver = (world: World, process: Process) => {
  const asked: ProbeRequest[] = [];
  const script: { answer: () => Promise<readonly TestStep[]> } = { answer: async () => PASSED };
  const tester = makeTestMailbox({
    ...process,
    probe: {
      probe: (request) => {
        asked.push(request);
        return script.answer();
      },
    },
    serverFor: (_, audience) =>
      audience === 'api' ? undefined : { host: `${audience}.example`, port: 1, security: 'tls' },
    composeMessage: ({ language, from, to }) => `${language}|${from}|${to}`,
    clock: world.clock,
    log: world.log,
  });
  return { tester, asked, script };
};

const whys = ({ steps }: ConnectionTest) =>
  steps.map((step) => `${step.step} ${step.outcome === 'passed' ? step.seen : step.why}`);

describe('testing a mailbox', () => {
  let world: World;
  let process: Process;
  let office: Office;
  let testing: ReturnType<typeof testerOver>;

  const test = async (
    wish: { direction: 'send'; recipient?: string } | { direction: 'receive'; protocol: 'pop' | 'imap' } = {
      direction: 'send',
    },
  ) => settle(world, testing.tester.test({ mailboxId: office.mailbox.id, language: 'fr', ...wish }));

  beforeEach(async () => {
    world = makeWorld();
    const opened = await signedInOffice(world);
    process = opened.process;
    office = opened;
    testing = testerOver(world, process);
    // One that is issued this very second is as new as any.
    await advanceSeconds(world, 60);
  });

  it('shows the sign-in and a new token, and goes on to the mail server with it', async () => {
    const before = world.microsoft.refreshCalls;
    const tested = value(await test());
    assert.deepEqual(whys(tested), ['grant grant', 'token token', 'auth auth', 'message no_recipient']);
    assert.equal(world.microsoft.refreshCalls, before + 1);
    const [grant, token] = tested.steps;
    assert.ok(grant?.outcome === 'passed' && token?.outcome === 'passed');
    assert.equal(grant.facts.signed_in, 'scan@contoso.example');
    assert.match(String(grant.facts.since), /^\d{4}-\d\d-\d\d$/);
    assert.equal(token.facts.minutes, Math.floor(world.microsoft.lifeSeconds / 60));
    const [request] = testing.asked;
    assert.equal(request?.accessToken, world.microsoft.issued.at(-1)?.accessToken);
    assert.deepEqual([request?.user, request?.server.host], ['scan@contoso.example', 'smtp.example']);
    assert.deepEqual([tested.direction, tested.protocol, tested.route], ['send', 'smtp', 'smtp']);
  });

  it('sends a message only to whoever is named, in the language of who asked', async () => {
    value(await test({ direction: 'send', recipient: 'ann@a.example' }));
    value(await test());
    const [named, unnamed] = testing.asked;
    assert.ok(named?.protocol === 'smtp' && unnamed?.protocol === 'smtp');
    assert.deepEqual([named.recipient, named.content], ['ann@a.example', 'fr|scan@contoso.example|ann@a.example']);
    assert.deepEqual([unnamed.recipient, unnamed.content], ['scan@contoso.example', undefined]);
  });

  for (const protocol of ['pop', 'imap'] as const) {
    it(`receives by ${protocol} with a token for that`, async () => {
      const tested = value(await test({ direction: 'receive', protocol }));
      assert.deepEqual([tested.protocol, tested.route], [protocol, undefined]);
      assert.equal(world.microsoft.issued.at(-1)?.audience, protocol);
      assert.deepEqual([testing.asked[0]?.protocol, testing.asked[0]?.server.host], [protocol, `${protocol}.example`]);
    });
  }

  describe('before the mail server', () => {
    it('fails at the sign-in of a mailbox that nobody has signed in, or that was signed out', async () => {
      const another = await openOffice(process, { address: 'new@contoso.example' });
      const fresh = value(
        await testing.tester.test({ mailboxId: another.mailbox.id, language: 'en', direction: 'send' }),
      );
      assert.deepEqual(whys(fresh), ['grant no_grant']);
      value(await process.administration.mailboxes.beginSignIn(another.mailbox.id));
      const waiting = value(
        await testing.tester.test({ mailboxId: another.mailbox.id, language: 'en', direction: 'send' }),
      );
      value(await settle(world, process.administration.mailboxes.signOut(office.mailbox.id)));
      const signedOut = value(await test());
      const kinds = [fresh, waiting, signedOut].map(
        ({ steps: [step] }) => step?.outcome === 'failed' && step.error.kind,
      );
      assert.deepEqual(kinds, ['not_signed_in', 'waiting_for_sign_in', 'signed_out']);
      assert.deepEqual(testing.asked, []);
    });

    it('says that the token update failed where the provider ends the sign-in, now or before (R25)', async () => {
      world.microsoft.failAlways(INVALID_GRANT);
      const now_ = value(await test());
      assert.deepEqual(whys(now_), ['grant grant', 'token token_update_failed']);
      const later = value(await test());
      assert.deepEqual(whys(later), ['grant token_update_failed']);
      const [step] = later.steps;
      assert.ok(step?.outcome === 'failed');
      assert.deepEqual([step.error.kind, step.error.code], ['sign_in_lapsed', 'invalid_grant']);
      assert.deepEqual(testing.asked, []);
    });

    it('goes on with the token at hand where the provider is down', async () => {
      world.microsoft.failAlways(unavailable());
      const tested = value(await test());
      assert.deepEqual(whys(tested).slice(0, 2), ['grant grant', 'token token_at_hand']);
      assert.equal(testing.asked.length, 1);
    });

    it('fails at the token where the provider is down and none is at hand, and tells nobody to delete anything', async () => {
      world.microsoft.failAlways(unavailable());
      await advanceSeconds(world, world.microsoft.lifeSeconds);
      const tested = value(await test());
      assert.deepEqual(whys(tested), ['grant grant', 'token no_token']);
      const last = tested.steps.at(-1);
      assert.ok(last?.outcome === 'failed' && last.error.kind === 'provider_unavailable');
    });

    it('does not wait for a provider that does not answer, and goes on with the token at hand', async () => {
      world.microsoft.requestGate.close();
      const startedAt = now(world);
      const tested = value(await test());
      assert.deepEqual(whys(tested).slice(0, 2), ['grant grant', 'token token_at_hand']);
      assert.ok(now(world) - startedAt < 20);
      const [request] = testing.asked;
      assert.ok(request && request.limitMs < TEST_LIMIT_SECONDS * 1000 - 11_000, `${request?.limitMs}`);
      world.microsoft.requestGate.open();
    });

    it("goes on with the token at hand where the operator's registration is refused", async () => {
      world.microsoft.failAlways(REGISTRATION_REFUSED);
      assert.deepEqual(whys(value(await test())).slice(0, 2), ['grant grant', 'token token_at_hand']);
    });

    it('fails at the token that the sign-in does not allow', async () => {
      world.microsoft.refuseAudience('pop', CONSENT_MISSING);
      const tested = value(await test({ direction: 'receive', protocol: 'pop' }));
      assert.deepEqual(whys(tested), ['grant grant', 'token no_token']);
      const last = tested.steps.at(-1);
      assert.ok(last?.outcome === 'failed' && last.error.kind === 'scope_not_granted');
    });

    it('asks the provider even while it is being spared: a person asks', async () => {
      world.microsoft.failNext(unavailable());
      value(await test());
      assert.equal(whys(value(await test()))[1], 'token token');
    });

    it('knows no mailbox that there is not', async () => {
      const tested = await testing.tester.test({ mailboxId: 'mbx_none', language: 'en', direction: 'send' });
      assert.equal(failure(tested).kind, 'not_found');
    });
  });

  describe('within the pace of the mailbox', () => {
    const pace = async () => (await process.records.outboxes.pace(office.mailbox.id)).pace;
    const takeConnections = async (count: number): Promise<void> => {
      const { outboxes } = process.records;
      const known = await outboxes.pace(office.mailbox.id);
      const until = world.clock.now() + 600_000;
      const taken = Array.from({ length: count }, (_, index) => [
        `gateway ${index}`,
        { owner: 'x', until, sending: false },
      ]);
      assert.ok(
        await outboxes.setPace(office.mailbox.id, known, { ...NO_PACE, connections: Object.fromEntries(taken) }),
      );
    };

    it('holds one of the connections while it tests, and lets go of it', async () => {
      testing.script.answer = async () => {
        assert.deepEqual(Object.keys((await pace()).connections), ['test']);
        return PASSED;
      };
      value(await test());
      assert.deepEqual(await pace(), NO_PACE);
    });

    it('lets go of it also where the test breaks', async () => {
      testing.script.answer = () => Promise.reject(new Error('a bug'));
      await assert.rejects(test(), /a bug/);
      assert.deepEqual(await pace(), NO_PACE);
    });

    for (const [outcome, counted] of [
      ['passed', 1],
      ['unknown', 1],
      ['refused', 0],
    ] as const) {
      it(`counts a message whose outcome is ${outcome} as ${counted}`, async () => {
        testing.script.answer = async () => [message(outcome)];
        value(await test({ direction: 'send', recipient: 'ann@a.example' }));
        assert.equal((await pace()).sentAt.length, counted);
      });
    }

    it('does not test sending while others use all connections, and says when', async () => {
      await takeConnections(3);
      const { kind, retryAfterSeconds } = failure(await test());
      assert.equal(kind, 'too_many_attempts');
      assert.ok((retryAfterSeconds ?? 0) > 0);
      assert.deepEqual(testing.asked, []);
      value(await test({ direction: 'receive', protocol: 'pop' }));
    });
  });

  it('tells by which way mail goes just now', async () => {
    const { outboxes } = process.records;
    const detour = {
      since: now(world),
      until: now(world) + 3600,
      reason: 'smtp_switched_off',
      response: '535',
    } as const;
    await outboxes.replace(office.mailbox.id, await outboxes.get(office.mailbox.id), { detour }, undefined);
    assert.equal(value(await test()).route, 'api');
  });

  it('logs what came of it, and never a token', async () => {
    value(await test());
    await advanceSeconds(world, 60);
    world.microsoft.failAlways(INVALID_GRANT);
    value(await test());
    const lines = world.log.of('mailbox.tested').map(({ fields }) => fields);
    assert.deepEqual(
      lines.map(({ duration_ms: _, ...fields }) => fields),
      [
        { mailbox_id: office.mailbox.id, protocol: 'smtp' },
        { mailbox_id: office.mailbox.id, protocol: 'smtp', step: 'token', why: 'token_update_failed' },
      ],
    );
    const all = JSON.stringify(world.log.lines);
    for (const { accessToken } of world.microsoft.issued) assert.ok(!all.includes(accessToken));
  });
});

describe('testing a mailbox as an administrator', () => {
  let world: World;
  let process: Process;
  let office: Office;
  let calls: Parameters<MailboxTester['test']>[0][];

  const administrationOf = (authority: Authority) => {
    const mailboxTester: MailboxTester = {
      test: async (request) => {
        calls.push(request);
        const steps: TestStep[] = [
          {
            step: 'name',
            durationMs: 1,
            outcome: 'failed',
            why: 'name_unknown',
            error: { kind: 'mail_server_misconfigured' },
            facts: {},
          },
        ];
        const known = { account: 'scan@contoso.example', durationMs: 1, route: undefined };
        return request.direction === 'send'
          ? ok({ ...known, steps: [], direction: 'send', protocol: 'smtp' })
          : ok({ ...known, steps, direction: 'receive', protocol: request.protocol });
      },
    };
    return makeAdministrationFor({ ...process, mailboxTester, clock: world.clock })(authority).connectionTests;
  };
  const all: Authority = { scope: 'all', by: 'admin:key_1' };

  beforeEach(async () => {
    world = makeWorld();
    process = startProcess(world);
    office = await openOffice(process);
    calls = [];
  });

  it(`tests a mailbox once in ${TEST_PAUSE_SECONDS} s, whoever asks, and says how long to wait`, async () => {
    const { run } = administrationOf(all);
    value(await run(office.mailbox.id, { direction: 'send' }, 'da'));
    await advanceSeconds(world, 3);
    const refused = failure(
      await administrationOf({ ...all, by: 'admin' }).run(
        office.mailbox.id,
        { direction: 'receive', protocol: 'pop' },
        'da',
      ),
    );
    assert.deepEqual([refused.kind, refused.retryAfterSeconds], ['too_many_attempts', TEST_PAUSE_SECONDS - 3]);
    assert.deepEqual(calls, [{ mailboxId: office.mailbox.id, language: 'da', direction: 'send' }]);
    await advanceSeconds(world, TEST_PAUSE_SECONDS - 3);
    value(await run(office.mailbox.id, { direction: 'send' }, 'da'));
    assert.equal(calls.length, 2);
  });

  it('lets one of two that come at once begin', async () => {
    const { run } = administrationOf(all);
    const both = await Promise.all([1, 2].map(() => run(office.mailbox.id, { direction: 'send' }, 'en')));
    assert.deepEqual(both.map((result) => result.ok).toSorted(), [false, true]);
    assert.equal(calls.length, 1);
  });

  it('does not make one mailbox wait for another', async () => {
    const another = await openOffice(process, { address: 'fax@contoso.example' });
    const { run } = administrationOf(all);
    for (const { mailbox } of [office, another]) value(await run(mailbox.id, { direction: 'send' }, 'en'));
  });

  it('writes down who tested what, and what came of it', async () => {
    const { run } = administrationOf(all);
    value(await run(office.mailbox.id, { direction: 'send' }, 'en'));
    await advanceSeconds(world, TEST_PAUSE_SECONDS);
    value(await run(office.mailbox.id, { direction: 'receive', protocol: 'imap' }, 'en'));
    const entries = await process.records.audit.list(office.organization.id, 10);
    const tested = entries.filter(({ action }) => action === 'mailbox.tested');
    assert.deepEqual(
      tested.map(({ by, subject, detail }) => [by, subject, detail]),
      [
        ['admin:key_1', office.mailbox.id, 'scan@contoso.example, receive by imap: name, name_unknown'],
        ['admin:key_1', office.mailbox.id, 'scan@contoso.example, send: passed'],
      ],
    );
  });

  it('refuses a recipient that is none, and begins no test', async () => {
    const { run } = administrationOf(all);
    for (const recipient of ['', 'nobody', 'a@b>\r\nDATA', 'a b@c.example', 'x@y.example,z@y.example']) {
      assert.equal(
        failure(await run(office.mailbox.id, { direction: 'send', recipient }, 'en')).kind,
        'invalid_request',
      );
    }
    value(await run(office.mailbox.id, { direction: 'send', recipient: 'ann@a.example' }, 'en'));
  });

  it('finds no mailbox of another organization', async () => {
    const another = await openOffice(process, { address: 'fax@contoso.example' });
    const { run } = administrationOf({ scope: 'organization', organizationId: another.organization.id, by: 'admin:x' });
    assert.equal(failure(await run(office.mailbox.id, { direction: 'send' }, 'en')).kind, 'not_found');
    assert.deepEqual(calls, []);
    value(await administrationOf(all).run(office.mailbox.id, { direction: 'send' }, 'en'));
  });
});
