import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { RESTORED_AFTER_SECONDS } from '../../shared/domain/timing.ts';
import { KeyRingError } from '../../shared/ports/key-ring.ts';
import { TokenVaultError } from '../../shared/ports/token-vault.ts';
import { memoryKeyRing } from '../fakes/memory-key-ring.ts';
import { INVALID_GRANT, unavailable } from '../fakes/scripted-provider.ts';
import {
  accountOf,
  advanceSeconds,
  comeBack,
  depart,
  failure,
  makeWorld,
  now,
  type Office,
  openOffice,
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

describe('a grant', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
  });

  const fetch = (by = process, changes = {}) => by.fetchToken(tokenRequest(office.credential, changes));
  const stateNow = async () => (await process.records.grants.get(office.mailbox.id)).grant.state;

  it('is used by nobody else while its vault is slow to take the new refresh token', async () => {
    await advanceSeconds(world, 2 * HOUR);
    const slow = startProcess(world);
    const { store } = slow.vault;
    let stores = 0;
    slow.vault.store = async (...token) => {
      stores++;
      if (stores === 5) return store(...token);
      await world.clock.sleep(8000);
      throw new TokenVaultError('busy', 'the vault is throttled');
    };
    const calls = world.microsoft.refreshCalls;
    const first = fetch(slow);
    for (let second = 0; second < 33; second++) await advanceSeconds(world, 1);
    const second = fetch();
    const [one, other] = await settle(world, Promise.all([first, second]));
    assert.equal(value(one).accessToken, value(other).accessToken);
    assert.equal(world.microsoft.refreshCalls, calls + 1);
    assert.equal(await stateNow(), 'active');
  });

  it('is not refreshed with a key ring that could not seal what comes', async () => {
    await advanceSeconds(world, 2 * HOUR);
    const ring = memoryKeyRing();
    ring.seal = async () => {
      throw new KeyRingError('unavailable', 'the key ring cannot be read');
    };
    const broken = startProcess({ ...world, accessTokenKeys: ring });
    const calls = world.microsoft.refreshCalls;
    for (let time = 0; time < 5; time++) await assert.rejects(settle(world, fetch(broken)), KeyRingError);
    assert.equal(world.microsoft.refreshCalls, calls);
    value(await settle(world, fetch()));
  });

  it('whose upkeep crashes rests ten minutes, and is not queued anew by every sweep', async () => {
    await advanceSeconds(world, 48 * HOUR);
    const { refreshCalls } = world.microsoft;
    const ring = memoryKeyRing();
    ring.seal = async () => {
      throw new KeyRingError('unavailable', 'the key ring cannot be read');
    };
    const broken = startProcess({ ...world, accessTokenKeys: ring });
    let sent = 0;
    for (let minute = 0; minute < 60; minute++) {
      sent += await settle(world, broken.sweepGrants());
      for (const message of await world.grantQueue.receive({ limit: 10, waitSeconds: 0 })) {
        await assert.rejects(settle(world, broken.maintainGrant(JSON.parse(message.body))), KeyRingError);
        await world.grantQueue.done(message);
      }
      await advanceSeconds(world, 60);
    }
    assert.ok(sent >= 5 && sent <= 7, `${sent} messages in an hour`);
    assert.equal(world.microsoft.refreshCalls, refreshCalls);
  });

  it('is not ended by a passing fault while the refresh token before the refused one is tried', async () => {
    world.microsoft.rotation = 'lenient';
    await advanceSeconds(world, RESTORED_AFTER_SECONDS + HOUR);
    value(await settle(world, fetch()));
    assert.ok((await process.vault.read(office.mailbox.id))?.previousRefreshToken, 'there is one before');
    await advanceSeconds(world, 2 * HOUR);
    world.microsoft.failNext(INVALID_GRANT, unavailable());
    failure(await settle(world, fetch()));
    assert.equal(await stateNow(), 'active');
    await advanceSeconds(world, 60);
    value(await settle(world, fetch()));
  });

  it('works with the refresh token before, where the newest is refused', async () => {
    world.microsoft.rotation = 'lenient';
    await advanceSeconds(world, RESTORED_AFTER_SECONDS + HOUR);
    value(await settle(world, fetch()));
    const before = await process.vault.read(office.mailbox.id);
    await advanceSeconds(world, 2 * HOUR);
    world.microsoft.failNext(INVALID_GRANT);
    value(await settle(world, fetch()));
    const after = await process.vault.read(office.mailbox.id);
    assert.notEqual(after?.refreshToken, before?.refreshToken);
    assert.equal(world.log.of('grant.previous_token_used').length, 1);
    assert.equal(await stateNow(), 'active');
  });

  it('keeps every audience warm that a slot uses', async () => {
    let waited = 0;
    for (let minute = 0; minute < 240; minute++) {
      await settle(world, process.sweepGrants());
      await settle(world, process.workGrants());
      for (const audience of minute % 20 === 0 ? ['smtp', 'imap'] : []) {
        const calls = world.microsoft.refreshCalls;
        value(await settle(world, fetch(process, { audience })));
        if (world.microsoft.refreshCalls !== calls) waited++;
        await advanceSeconds(world, 5);
      }
      await advanceSeconds(world, 60);
    }
    assert.equal(waited, 1, 'only the very first fetch for imap');
    const { lastUsedAt } = await process.records.grants.getWithTokens(office.mailbox.id, []);
    assert.ok(now(world) - (lastUsedAt.imap ?? 0) < HOUR);
  });

  it('is not made for a mailbox that was removed while its owner was at the provider', async () => {
    const other = await openOffice(process, { address: 'gone@contoso.example' });
    value(await process.administration.devices.remove(other.device.clientId));
    const departed = await depart(process, other.mailbox);
    const { redeemCode } = world.microsoft;
    world.microsoft.redeemCode = async (request) => {
      const reply = await redeemCode(request);
      value(await process.administration.mailboxes.remove(other.mailbox.id));
      return reply;
    };
    const login = { account: accountOf(other.mailbox.address) };
    failure(await settle(world, comeBack(world, process, departed, login)));
    assert.equal(await process.vault.read(other.mailbox.id), undefined);
    assert.equal((await process.records.grants.get(other.mailbox.id)).grant.state, 'never');
    world.microsoft.redeemCode = redeemCode;
    value(await signIn(world, process, office.mailbox));
  });
});
