import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { dueShardOf } from '../../shared/domain/timing.ts';
import { attributes } from '../../shared/records/items.ts';
import { makeRecoverGrants } from '../../shared/usecases/grants/maintain-grants.ts';
import { Crash, makeFuse } from '../fakes/fuse.ts';
import {
  advanceSeconds,
  everythingAtRest,
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

describe('recoverGrants', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
  });

  const recover = ({ table, records }: Process) => makeRecoverGrants({ table, grants: records.grants })();

  it('lets a device have its token at once, though the process before died with the lease in hand', async () => {
    await advanceSeconds(world, 3601);
    const dying = startProcess(world, { fuse: makeFuse(1, 'after') });
    const work = { mailboxId: office.mailbox.id, audience: 'smtp', minTtlSeconds: 600, askedAt: now(world) } as const;
    await assert.rejects(dying.refreshGrant(work), Crash);

    const restarted = startProcess(world);
    await recover(restarted);
    const startedAt = now(world);
    value(await settle(world, restarted.fetchToken(tokenRequest(office.credential))));
    assert.equal(now(world), startedAt);
  });

  it('writes nothing where nobody was refreshing, or ever has', async () => {
    const other = await openOffice(process, { address: 'other@contoso.example' });
    const { grant } = await process.records.grants.get(office.mailbox.id);
    // As an older version left it: a grant without a lease item.
    await world.table.write({
      put: {
        ...{ pk: `mailbox#${other.mailbox.id}`, sk: 'grant', ...attributes(grant), revision: 1 },
        ...{ dueShard: dueShardOf('grant-microsoft', other.mailbox.id), dueAt: now(world) },
      },
    });
    const before = everythingAtRest(world);
    await recover(startProcess(world));
    assert.equal(everythingAtRest(world), before);
  });

  it('takes up what an earlier version left: other shards, and neither issue times nor the time of the last store', async () => {
    const { mailbox, credential } = office;
    const grantKey = { pk: `mailbox#${mailbox.id}`, sk: 'grant' };
    const tokenKey = { pk: `mailbox#${mailbox.id}`, sk: 'token#smtp' };
    const changes = { set: { dueShard: dueShardOf('grant', mailbox.id) }, remove: ['refreshTokenStoredAt'] };
    await world.table.write({ update: grantKey, changes });
    await world.table.write({ update: tokenKey, changes: { remove: ['issueTimes'] } });
    const restarted = startProcess(world);
    await recover(restarted);
    const { lapsesAt } = await restarted.describeMailbox(mailbox);
    assert.ok((lapsesAt ?? 0) > now(world));
    await advanceSeconds(world, 60);
    const { expiresInSeconds } = value(await restarted.fetchToken(tokenRequest(credential, { minTtlSeconds: 3600 })));
    assert.equal(expiresInSeconds, 3600);
    await advanceSeconds(world, 3 * 86_400);
    assert.equal(await restarted.sweepGrants(), 1);
    await settle(world, restarted.workGrants());
    value(await restarted.fetchToken(tokenRequest(credential)));
  });
});
