import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { TokenVault } from '../../shared/ports/token-vault.ts';
import {
  betweenVaults,
  inEnvelopesOnDynamodb,
  inEnvelopesOnOneMachine,
  inSecretsManager,
  type Started,
  stored,
  token,
} from './vaults.ts';

const contract = (start: () => Promise<Started>) => () => {
  let started: Started;
  let vault: TokenVault;
  before(async () => {
    started = await start();
    vault = started.vault;
  });
  after(() => started.close());

  const newGrant = () => `mbx_${randomUUID()}`;

  it('holds nothing for a grant that never stored', async () => {
    assert.equal(await vault.read(newGrant()), undefined);
  });

  it('gives back what was stored, with the version', async () => {
    const grant = newGrant();
    const newest = token('0.AX-größe/鍵🔑+=', 'older');
    const version = await stored(vault, grant, newest, 'absent');
    assert.deepEqual(await vault.read(grant), { ...newest, version });
  });

  it('gives back when it was stored', async () => {
    const grant = newGrant();
    const first = await stored(vault, grant, token('r1', undefined, 1_700_000_000), 'absent');
    assert.equal((await vault.read(grant))?.storedAt, 1_700_000_000);
    await stored(vault, grant, token('r2', undefined, 1_700_000_777), first);
    assert.equal((await vault.read(grant))?.storedAt, 1_700_000_777);
  });

  it('holds a token of 10 KB beside a previous one', async () => {
    const grant = newGrant();
    const newest = token('n'.repeat(10_000), 'p'.repeat(10_000));
    const version = await stored(vault, grant, newest, 'absent');
    assert.deepEqual(await vault.read(grant), { ...newest, version });
  });

  it('replaces the version that it is told, and forgets the previous token when there is none', async () => {
    const grant = newGrant();
    const first = await stored(vault, grant, token('r1', 'r0'), 'absent');
    const second = await stored(vault, grant, token('r2'), first);
    assert.notEqual(second, first);
    assert.deepEqual(await vault.read(grant), { ...token('r2'), version: second });
  });

  it('changes nothing when somebody stored in between', async () => {
    const grant = newGrant();
    const first = await stored(vault, grant, token('r1'), 'absent');
    const second = await stored(vault, grant, token('r2'), first);
    const superseded = { outcome: 'superseded' };
    assert.deepEqual(await vault.store(grant, token('r3'), first), superseded);
    assert.deepEqual(await vault.store(grant, token('r3'), 'absent'), superseded);
    assert.deepEqual(await vault.store(grant, token('r3'), randomUUID()), superseded);
    assert.deepEqual(await vault.read(grant), { ...token('r2'), version: second });
    await stored(vault, grant, token('r3'), second);
  });

  it('keeps grants apart', async () => {
    const [one, two] = [newGrant(), newGrant()];
    const version = await stored(vault, one, token('of one'), 'absent');
    assert.deepEqual(await vault.store(two, token('of two'), version), { outcome: 'superseded' });
    await stored(vault, two, token('of two'), 'absent');
    assert.equal((await vault.read(one))?.refreshToken, 'of one');
  });

  it('holds nothing after a removal, which does not mind an absent token', async () => {
    const grant = newGrant();
    await vault.remove(grant);
    await stored(vault, grant, token('r1'), 'absent');
    await vault.remove(grant);
    await vault.remove(grant);
    assert.equal(await vault.read(grant), undefined);
  });

  it('does not bring back by a late store what was removed', async () => {
    const grant = newGrant();
    const first = await stored(vault, grant, token('r1'), 'absent');
    await vault.remove(grant);
    assert.deepEqual(await vault.store(grant, token('r2'), first), { outcome: 'superseded' });
    assert.equal(await vault.read(grant), undefined);
    await stored(vault, grant, token('r3'), 'absent');
    assert.deepEqual(await vault.store(grant, token('r2'), first), { outcome: 'superseded' });
    assert.equal((await vault.read(grant))?.refreshToken, 'r3');
  });

  it('knows the repeat of a store for one, and makes no third token of it', async () => {
    const grant = newGrant();
    const first = await stored(vault, grant, token('r1'), 'absent');
    assert.equal(await stored(vault, grant, token('r1'), 'absent'), first);
    const second = await stored(vault, grant, token('r2'), first);
    assert.equal(await stored(vault, grant, token('r2'), first), second);
    const third = await stored(vault, grant, token('r3'), second);
    assert.deepEqual(await vault.store(grant, token('r2'), first), { outcome: 'superseded' });
    assert.deepEqual(await vault.read(grant), { ...token('r3'), version: third });
  });

  it('lets exactly one of 20 parallel first stores win', async () => {
    const grant = newGrant();
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => vault.store(grant, token(`r${n}`), 'absent')),
    );
    const winners = outcomes.flatMap(({ outcome }, n) => (outcome === 'stored' ? [`r${n}`] : []));
    assert.deepEqual(winners, [(await vault.read(grant))?.refreshToken]);
  });

  it('lets exactly one of 20 parallel stores on one version win', async () => {
    const grant = newGrant();
    const first = await stored(vault, grant, token('r'), 'absent');
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => vault.store(grant, token(`r${n}`), first)));
    const winners = outcomes.flatMap(({ outcome }, n) => (outcome === 'stored' ? [`r${n}`] : []));
    assert.deepEqual(winners, [(await vault.read(grant))?.refreshToken]);
  });

  it('stores and removes although the answers get lost', async () => {
    const grant = newGrant();
    started.loseAnswersOnce?.();
    const first = await stored(vault, grant, token('r1'), 'absent');
    started.loseAnswersOnce?.();
    const second = await stored(vault, grant, token('r2'), first);
    assert.deepEqual(await vault.read(grant), { ...token('r2'), version: second });
    started.loseAnswersOnce?.();
    await vault.remove(grant);
    assert.equal(await vault.read(grant), undefined);
  });
};

describe('envelopeTokenVault on sqliteTable', contract(inEnvelopesOnOneMachine));
describe('envelopeTokenVault on dynamodbTable', contract(inEnvelopesOnDynamodb));
describe('secretsManagerTokenVault', contract(inSecretsManager));
describe(
  'secretsManagerTokenVault, with forced deletions in the background,',
  contract(() => inSecretsManager({ forcedDeletionRequests: 2 })),
);
describe('migratingTokenVault to envelopes', contract(betweenVaults('to_envelopes')));
describe('migratingTokenVault to secrets', contract(betweenVaults('to_secrets')));
