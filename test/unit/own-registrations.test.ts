import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { isLive } from '../../shared/domain/grant.ts';
import { dueShards } from '../../shared/domain/timing.ts';
import type { ProviderFailure } from '../../shared/ports/identity-provider.ts';
import type { RefreshOutcome } from '../../shared/ports/refresher.ts';
import { makeRecoverGrants } from '../../shared/usecases/grants/maintain-grants.ts';
import { makeWatchAppRegistrations } from '../../shared/usecases/grants/watch-app-registrations.ts';
import { countingTable } from '../fakes/counting-table.ts';
import {
  REGISTRATION_REFUSED,
  type ScriptedProvider,
  scriptedProvider,
  unavailable,
} from '../fakes/scripted-provider.ts';
import { runFleet, sweepAt, use } from './fleet.ts';
import {
  accountOf,
  advanceSeconds,
  callbackOf,
  depart,
  failure,
  makeWorld,
  now,
  type Office,
  openOffice,
  type Process,
  settle,
  signedInOffice,
  startProcess,
  tokenRequest,
  value,
  type World,
} from './support.ts';

const HOUR = 3600;
const PACE = { periodSeconds: 60, grantsPerSecond: 10 };

/** Contoso has brought a registration of its own; Fabrikam goes by the broker's. */
describe("an organization's own app registration", () => {
  let world: World;
  let process: Process;
  let contoso: Office;
  let fabrikam: Office;
  let own: ScriptedProvider;

  const bring = () => world.own.push({ organizationId: contoso.organization.id, client: own });
  const takeAway = () => world.own.splice(0);

  /** Somebody signs in at the provider, as the client that the browser was sent there by. */
  const signIn = async ({ mailbox }: Office, by: Process = process) => {
    const departed = await depart(by, mailbox);
    const clientId = new URL(departed.authorizationUrl).searchParams.get('client_id');
    const client = clientId === own.clientId ? own : world.microsoft;
    const back = client.login(departed.authorizationUrl, { account: accountOf(mailbox.address) });
    return { clientId, back, departed, finish: () => settle(world, by.completeSignIn(callbackOf(departed, back))) };
  };

  const signedIn = async (office: Office): Promise<string | null> => {
    const { clientId, finish } = await signIn(office);
    assert.equal(value(await finish()).tokenStatus, 'acquired');
    return clientId;
  };

  const refresh = ({ mailbox }: Office): Promise<RefreshOutcome> => {
    const wish = { audience: 'smtp', minTtlSeconds: HOUR, askedAt: now(world) } as const;
    return settle(world, process.refreshGrant({ mailboxId: mailbox.id, ...wish }));
  };
  const kindOf = (outcome: RefreshOutcome) => (outcome.outcome === 'failed' ? outcome.error.kind : outcome.outcome);

  /** How often each client was asked for a token meanwhile. */
  const callsDuring = async (work: () => Promise<unknown>) => {
    const before = [own.refreshCalls, world.microsoft.refreshCalls] as const;
    await work();
    return { own: own.refreshCalls - before[0], ofBroker: world.microsoft.refreshCalls - before[1] };
  };

  const grantOf = async ({ mailbox }: Office) => {
    const { grant } = await process.records.grants.get(mailbox.id);
    assert.ok(isLive(grant));
    return grant;
  };

  const shardsOf = async (kind: 'grant-own' | 'grant-microsoft'): Promise<readonly string[]> => {
    const found = dueShards(kind).map((shard) => world.table.due(shard, Number.MAX_SAFE_INTEGER, 100));
    return (await Promise.all(found)).flat().map(({ pk }) => pk);
  };

  beforeEach(async () => {
    world = makeWorld();
    process = startProcess(world);
    contoso = await openOffice(process);
    fabrikam = await openOffice(process, { address: 'scan@fabrikam.example' });
    own = scriptedProvider('microsoft', world.clock, 'client-of-contoso');
    bring();
  });

  describe('at a sign-in', () => {
    it('is what the provider is asked by for its own mailboxes, and for no other organization', async () => {
      assert.equal(await signedIn(contoso), 'client-of-contoso');
      assert.equal(await signedIn(fabrikam), 'client-at-microsoft');
      assert.deepEqual([own.redeemCalls, world.microsoft.redeemCalls], [1, 1]);
      await advanceSeconds(world, HOUR);
      assert.deepEqual(await callsDuring(() => refresh(contoso)), { own: 1, ofBroker: 0 });
      assert.deepEqual(await callsDuring(() => refresh(fabrikam)), { own: 0, ofBroker: 1 });
      value(await process.fetchToken(tokenRequest(contoso.credential)));
      const described = await process.describeMailbox(contoso.mailbox);
      assert.deepEqual(described.registration, { provider: 'microsoft', organizationId: contoso.organization.id });
      assert.deepEqual((await process.describeMailbox(fabrikam.mailbox)).registration, { provider: 'microsoft' });
    });

    it('is asked by for a mailbox that a device asks for, and that nobody has entered', async () => {
      const signInId = 'sgn_paired';
      await process.records.signIns.create({
        ...{ id: signInId, organizationId: contoso.organization.id, provider: 'microsoft', state: 'pending' },
        ...{ expiresAt: now(world) + 600, pairing: { deviceCodeHash: 'made-up' } },
      });
      const { authorizationUrl } = value(await process.departForProvider(signInId));
      assert.equal(new URL(authorizationUrl).searchParams.get('client_id'), 'client-of-contoso');
    });

    it('is for one provider, and leaves the other with the broker’s', async () => {
      const google = await openOffice(process, { provider: 'google', address: 'scan@gmail.example' });
      const { authorizationUrl } = await depart(process, { ...google.mailbox });
      assert.equal(new URL(authorizationUrl).searchParams.get('client_id'), 'client-at-google');
    });

    it('stays that of the attempt, whatever is configured when the browser comes back', async () => {
      takeAway();
      const byBroker = await signIn(contoso);
      bring();
      assert.equal(value(await byBroker.finish()).tokenStatus, 'acquired');
      assert.deepEqual([own.redeemCalls, world.microsoft.redeemCalls], [0, 1]);

      const byOwn = await signIn(contoso);
      takeAway();
      assert.equal(failure(await byOwn.finish()).kind, 'app_registration_refused');
      await advanceSeconds(world, HOUR);
      assert.equal(kindOf(await refresh(contoso)), 'fresh', 'the earlier grant is as it was');
    });

    it('is not begun where nobody has a registration, and the link still works when there is one', async () => {
      takeAway();
      Object.assign(world.microsoft, { clientId: undefined });
      const made = value(await process.administration.mailboxes.beginSignIn(contoso.mailbox.id));
      assert.equal(failure(await process.departForProvider(made.id)).kind, 'app_registration_refused');
      bring();
      value(await process.departForProvider(made.id));
    });
  });

  describe('that is added or taken away later', () => {
    it('is used from the next sign-in on, and until then the grant goes on with the broker’s', async () => {
      takeAway();
      await signedIn(contoso);
      bring();
      await advanceSeconds(world, HOUR);
      assert.deepEqual(await callsDuring(() => refresh(contoso)), { own: 0, ofBroker: 1 });
      assert.deepEqual([await shardsOf('grant-own'), (await shardsOf('grant-microsoft')).length], [[], 1]);
      assert.equal(await signedIn(contoso), 'client-of-contoso');
      await advanceSeconds(world, HOUR);
      assert.deepEqual(await callsDuring(() => refresh(contoso)), { own: 1, ofBroker: 0 });
      assert.deepEqual([(await shardsOf('grant-own')).length, await shardsOf('grant-microsoft')], [1, []]);
    });

    it('leaves the grant waiting for the operator, and heals it when it is entered again', async () => {
      await signedIn(contoso);
      const stored = await process.vault.read(contoso.mailbox.id);
      takeAway();
      await advanceSeconds(world, HOUR);
      const outcome = await refresh(contoso);
      assert.ok(outcome.outcome === 'failed');
      assert.deepEqual([outcome.error.kind, outcome.error.code], ['app_registration_refused', 'not_configured']);
      assert.match(outcome.error.detail ?? '', /is configured no more: enter it .* or sign the mailbox in again/);
      const { state, trouble } = await grantOf(contoso);
      assert.deepEqual([state, trouble?.kind], ['active', 'app_registration_refused']);
      assert.deepEqual(await process.vault.read(contoso.mailbox.id), stored);
      assert.deepEqual(
        world.log.of('app_registration.refused').map(({ fields }) => [fields.provider, fields.organization_id]),
        [['microsoft', contoso.organization.id]],
      );
      bring();
      await advanceSeconds(world, 300);
      assert.deepEqual(await callsDuring(() => refresh(contoso)), { own: 1, ofBroker: 0 });
      assert.equal((await grantOf(contoso)).trouble, undefined);
    });

    it('is tried at once by a broker that starts with it', async () => {
      await signedIn(contoso);
      takeAway();
      await advanceSeconds(world, HOUR);
      await refresh(contoso);
      bring();
      process = startProcess(world);
      await makeWatchAppRegistrations({ ...process, ...process.records })();
      await advanceSeconds(world, 60);
      assert.equal(kindOf(await refresh(contoso)), 'fresh');
    });

    it('is left behind by a new sign-in once it is gone', async () => {
      await signedIn(contoso);
      takeAway();
      assert.equal(await signedIn(contoso), 'client-at-microsoft');
      await advanceSeconds(world, HOUR);
      assert.deepEqual(await callsDuring(() => refresh(contoso)), { own: 0, ofBroker: 1 });
      assert.equal('registration' in (await grantOf(contoso)), false);
    });
  });

  describe('that is refused or throttled', () => {
    const FAILURES: readonly (readonly [what: string, fault: ProviderFailure, kind: string])[] = [
      ['refused', REGISTRATION_REFUSED, 'app_registration_refused'],
      ['throttled', unavailable(300), 'provider_unavailable'],
    ];

    beforeEach(async () => {
      await signedIn(contoso);
      await signedIn(fabrikam);
      await advanceSeconds(world, HOUR);
    });

    for (const [what, fault, kind] of FAILURES) {
      it(`pauses nobody else: ${what}`, async () => {
        own.failAlways(fault);
        assert.equal(kindOf(await refresh(contoso)), kind);
        assert.deepEqual(await callsDuring(() => refresh(contoso)), { own: 0, ofBroker: 0 });
        assert.equal(kindOf(await refresh(fabrikam)), 'fresh');
        own.failAlways(undefined);
        await advanceSeconds(world, 300);
        assert.equal(kindOf(await refresh(contoso)), 'fresh');
      });

      it(`is not paused when the broker’s is ${what}`, async () => {
        world.microsoft.failAlways(fault);
        assert.equal(kindOf(await refresh(fabrikam)), kind);
        assert.deepEqual(await callsDuring(() => refresh(fabrikam)), { own: 0, ofBroker: 0 });
        assert.equal(kindOf(await refresh(contoso)), 'fresh');
      });
    }

    it('is one incident, which names the organization, and one more when it is over', async () => {
      own.failAlways(REGISTRATION_REFUSED);
      for (let minute = 0; minute < 20; minute++) {
        await refresh(contoso);
        await advanceSeconds(world, 60);
      }
      own.failAlways(undefined);
      await advanceSeconds(world, 300);
      await refresh(contoso);
      for (const event of ['app_registration.refused', 'provider.resumed']) {
        assert.deepEqual(
          world.log.of(event).map(({ fields }) => fields.organization_id),
          [contoso.organization.id],
          event,
        );
      }
    });

    it('has a refused client secret noted in its own name', async () => {
      own.clientSecrets = [{ expiresOn: '2027-12-31' }, {}];
      own.failNext({ ...REGISTRATION_REFUSED, refusedClientSecrets: [0] });
      await refresh(contoso);
      const found = await process.records.appRegistrations.describeAll();
      assert.deepEqual(
        found.map(({ organizationId, clientId, clientSecrets, coolDown }) => [
          ...[organizationId, clientId, clientSecrets.map(({ refusedAt }) => refusedAt), coolDown?.cause],
        ]),
        [[contoso.organization.id, 'client-of-contoso', [now(world), undefined], 'registration']],
      );
      assert.equal(world.log.of('client_secret.refused')[0]?.fields.organization_id, contoso.organization.id);
    });
  });

  describe('and the sweep', () => {
    beforeEach(async () => {
      await signedIn(contoso);
      await signedIn(fabrikam);
      await use(world, process, [contoso.mailbox, fabrikam.mailbox]);
      await runFleet(world, [process], { minutes: 1, pace: PACE });
    });

    it('is kept warm, also while the broker’s is paused', async () => {
      world.microsoft.failAlways(unavailable(1800));
      const calls = await callsDuring(() => runFleet(world, [process], { minutes: 120, pace: PACE }));
      assert.ok(calls.own >= 2 && calls.own <= 4, `${calls.own} calls in two hours`);
      const [token] = (await process.records.grants.getWithTokens(contoso.mailbox.id, ['smtp'])).tokens;
      assert.ok((token?.expiresAt ?? 0) > now(world) + 600);
    });

    it('has its grants come by seldom while it is paused, and kept warm again soon after', async () => {
      await advanceSeconds(world, 50 * 60);
      own.failAlways(REGISTRATION_REFUSED);
      let looks = 0;
      const grantQueue = {
        ...process.grantQueue,
        sendAll: async (messages: Parameters<typeof process.grantQueue.sendAll>[0]) => {
          looks += messages.filter(({ body }) => body.includes(contoso.mailbox.id)).length;
          await process.grantQueue.sendAll(messages);
        },
      };
      const watched = { ...process, grantQueue };
      const calls = await callsDuring(() => runFleet(world, [watched], { minutes: 120, pace: PACE }));
      // Each pause is five minutes long: one call at its end, and a look that finds it, if one comes before.
      assert.ok(calls.own <= 24 + 1 && calls.own >= 8, `${calls.own} calls in two hours`);
      assert.ok(looks <= 2 * 25, `${looks} looks in two hours`);
      own.failAlways(undefined);
      await runFleet(world, [watched], { minutes: 12, pace: PACE });
      assert.equal((await grantOf(contoso)).trouble, undefined);
    });

    it('makes the others wait as long again at most, each at a place of its own, after one has met the pause', async () => {
      const pause = { cause: 'registration', failures: 1, code: 'c', message: 'm' } as const;
      const registration = { provider: 'microsoft', organizationId: contoso.organization.id } as const;
      await advanceSeconds(world, 50 * 60);
      const until = now(world) + 300;
      await process.records.coolDowns.replace(registration, 0, { ...pause, since: now(world), until });
      assert.deepEqual(
        await callsDuring(async () => {
          assert.equal(await sweepAt(process, PACE)(), 2);
          await settle(world, process.workGrants());
        }),
        { own: 0, ofBroker: 1 },
      );
      const [due] = (
        await Promise.all(dueShards('grant-own').map((shard) => world.table.due(shard, Number.MAX_SAFE_INTEGER, 10)))
      ).flat();
      assert.ok(due !== undefined && due.dueAt >= until && due.dueAt < until + 300, `${(due?.dueAt ?? 0) - until}`);
      assert.equal(await sweepAt(process, PACE)(), 0);
    });

    it('finds them at the start of a broker whose former one died with the lease in hand', async () => {
      const { id } = contoso.mailbox;
      const lease = await process.records.grants.takeLease(id, 'dead', 'refresh', now(world));
      assert.ok(lease);
      await makeRecoverGrants({ table: world.table, grants: process.records.grants })();
      assert.equal(await process.records.grants.isLeased(id, now(world)), false);
    });

    it('keeps them in their shard when what an earlier version listed is moved', async () => {
      await process.records.grants.moveToShard(contoso.mailbox.id);
      assert.deepEqual(await shardsOf('grant-own'), [`mailbox#${contoso.mailbox.id}`]);
    });
  });

  describe('for those who look after it', () => {
    const watch = () => makeWatchAppRegistrations({ ...process, ...process.records })();
    const listed = async (
      administration: Pick<Process['administration'], 'appRegistrations'> = process.administration,
    ) =>
      (await administration.appRegistrations.list()).map(({ provider, organizationId, clientId }) => [
        ...[provider, organizationId, clientId],
      ]);
    const ofOwn = () => ['microsoft', contoso.organization.id, 'client-of-contoso'];

    it('is listed beside the broker’s, for all; and alone, for its own administrator', async () => {
      await watch();
      const ofBroker = [
        ['microsoft', undefined, 'client-at-microsoft'],
        ['google', undefined, 'client-at-google'],
      ];
      assert.deepEqual(await listed(), [...ofBroker, ofOwn()]);
      const scopedTo = ({ organization: { id } }: Office) =>
        process.administrationFor({ scope: 'organization', organizationId: id, by: 'admin:key_x' });
      assert.deepEqual(await listed(scopedTo(contoso)), [ofOwn()]);
      assert.deepEqual(await listed(scopedTo(fabrikam)), []);
    });

    it('has each of its warnings given once, in its name', async () => {
      own.clientSecrets = [{ expiresOn: '2026-12-31' }];
      for (let day = 0; day < 3; day++) {
        process = startProcess(world);
        await watch();
        await advanceSeconds(world, 24 * HOUR);
      }
      assert.deepEqual(
        world.log.of('client_secret.expiring').map(({ fields }) => [fields.organization_id, fields.days]),
        [
          [contoso.organization.id, 60],
          [contoso.organization.id, 30],
        ],
      );
    });

    it('is listed no longer when it was taken away, and nothing of the broker’s goes with it', async () => {
      await watch();
      takeAway();
      process = startProcess(world);
      await watch();
      assert.deepEqual(
        (await listed()).map(([provider, organizationId]) => [provider, organizationId]),
        [
          ['microsoft', undefined],
          ['google', undefined],
        ],
      );
    });

    it('costs a worker that starts two readings where nothing has changed', async () => {
      await watch();
      const table = countingTable(world.table);
      process = startProcess(world, { table });
      await watch();
      assert.deepEqual([...table.roundTrips].sort(), ['getMany', 'query']);
    });
  });

  it('is asked about in one more reading than the broker’s, which costs what it did', async () => {
    await signedIn(contoso);
    await signedIn(fabrikam);
    const table = countingTable(world.table);
    const { records } = startProcess(world, { table });
    const found = await records.grants.getToRefresh(fabrikam.mailbox);
    assert.deepEqual([found.registration, table.roundTrips], [{ provider: 'microsoft' }, ['getMany']]);
    await records.grants.getToRefresh(contoso.mailbox);
    assert.deepEqual(table.roundTrips, ['getMany', 'getMany', 'get']);
  });
});

describe('the broker’s own registrations', () => {
  it('go on as before where no organization has brought one', async () => {
    const world = makeWorld();
    const { process, mailbox } = await signedInOffice(world);
    const { grant } = await process.records.grants.get(mailbox.id);
    assert.ok(isLive(grant) && !('registration' in grant));
  });
});
