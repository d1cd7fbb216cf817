import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { memoryKeyRing } from '../fakes/memory-key-ring.ts';
import {
  advanceSeconds,
  failure,
  makeWorld,
  settle,
  signedInOffice,
  signIn,
  startProcess,
  tokenRequest,
  tokenStatusOf,
  value,
} from './support.ts';

describe('when a key is destroyed', () => {
  it('that sealed a refresh token: says which mailbox must be signed in again, and signing in again is enough', async () => {
    const world = makeWorld();
    const { mailbox, credential } = await signedInOffice(world);
    const process = startProcess({ ...world, vaultKeys: memoryKeyRing('another-key') });
    await advanceSeconds(world, 3601);
    const error = failure(await settle(world, process.fetchToken(tokenRequest(credential))));
    assert.equal(error.kind, 'stored_sign_in_unreadable');
    assert.match(error.detail ?? '', new RegExp(mailbox.id));
    const { grant } = await process.records.grants.get(mailbox.id);
    assert.equal(grant.state, 'active', 'with the key restored it would work again');

    value(await signIn(world, process, mailbox));
    assert.equal(await tokenStatusOf(process, mailbox), 'acquired');
    await advanceSeconds(world, 3601);
    value(await settle(world, process.fetchToken(tokenRequest(credential))));
  });

  it('that sealed a refresh token: restoring the key is enough as well', async () => {
    const world = makeWorld();
    const { process, credential } = await signedInOffice(world);
    const keyless = startProcess({ ...world, vaultKeys: memoryKeyRing('another-key') });
    await advanceSeconds(world, 3601);
    failure(await settle(world, keyless.fetchToken(tokenRequest(credential))));
    await advanceSeconds(world, 301);
    value(await settle(world, process.fetchToken(tokenRequest(credential))));
  });

  it('that sealed an access token: fetches another, and no device notices', async () => {
    const world = makeWorld();
    const { credential } = await signedInOffice(world);
    const process = startProcess({ ...world, accessTokenKeys: memoryKeyRing('another-key') });
    await advanceSeconds(world, 60);
    const calls = world.microsoft.refreshCalls;
    for (let fetch = 0; fetch < 3; fetch++) value(await settle(world, process.fetchToken(tokenRequest(credential))));
    assert.equal(world.microsoft.refreshCalls, calls + 1);
  });
});
