import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeSignOut } from '../../shared/usecases/sign-in/sign-out.ts';
import { makeFuse } from '../fakes/fuse.ts';
import {
  failure,
  makeWorld,
  openOffice,
  settle,
  signedInOffice,
  signIn,
  startProcess,
  tokenRequest,
  tokenStatusOf,
  value,
} from './support.ts';

describe('signOut', () => {
  it('takes the grant from every device and deletes its tokens', async () => {
    const world = makeWorld();
    const { process, mailbox, credential } = await signedInOffice(world);
    value(await process.fetchToken(tokenRequest(credential)));
    value(await process.administration.mailboxes.signOut(mailbox.id));
    assert.equal(failure(await process.fetchToken(tokenRequest(credential))).kind, 'signed_out');
    assert.equal(await process.vault.read(mailbox.id), undefined);
    const { tokens } = await process.records.grants.getWithTokens(mailbox.id, ['smtp', 'imap', 'pop', 'api']);
    assert.deepEqual(tokens, Array(4).fill(undefined));
    assert.equal(await tokenStatusOf(process, mailbox), 'not_acquired');
  });

  it('can be repeated, also on a mailbox that nobody signed in', async () => {
    const world = makeWorld();
    const process = startProcess(world);
    const { mailbox } = await openOffice(process);
    for (let time = 0; time < 2; time++) value(await process.administration.mailboxes.signOut(mailbox.id));
    assert.equal((await process.records.grants.get(mailbox.id)).grant.state, 'never');
  });

  it('refuses the devices first when it dies on its way, and finishes when repeated', async () => {
    // The first write takes the lease; from the second on the grant is given up.
    for (let write = 2; write <= 4; write++) {
      const world = makeWorld();
      const { process, mailbox, credential } = await signedInOffice(world);
      const dying = startProcess(world, { fuse: makeFuse(write, 'after') });
      await assert.rejects(settle(world, dying.administration.mailboxes.signOut(mailbox.id)));
      assert.equal(failure(await process.fetchToken(tokenRequest(credential))).kind, 'signed_out');
      // The dead one's lease has to run out first.
      value(await settle(world, process.administration.mailboxes.signOut(mailbox.id)));
      assert.equal(await process.vault.read(mailbox.id), undefined);
    }
  });

  it('leaves the way back open: a new sign-in works, with nothing of the earlier one', async () => {
    const world = makeWorld();
    const { process, mailbox, credential } = await signedInOffice(world);
    const before = value(await process.fetchToken(tokenRequest(credential))).accessToken;
    value(await process.administration.mailboxes.signOut(mailbox.id));
    value(await signIn(world, process, mailbox));
    assert.notEqual(value(await process.fetchToken(tokenRequest(credential))).accessToken, before);
  });

  it('comes wholly before or wholly after a sign-in at the same moment', async () => {
    const world = makeWorld();
    const { process, mailbox, credential } = await signedInOffice(world);
    const { grants } = process.records;
    let signingIn: Promise<unknown> | undefined;
    const signOut = makeSignOut({
      ...process,
      grants: {
        ...grants,
        replaceAndHold: async (...write) => {
          const written = await grants.replaceAndHold(...write);
          signingIn = signIn(world, startProcess(world), mailbox);
          return written;
        },
      },
    });
    await signOut(mailbox);
    await settle(world, signingIn ?? Promise.reject(new Error('nobody signed in')));
    assert.ok(await process.vault.read(mailbox.id));
    assert.ok(value(await process.fetchToken(tokenRequest(credential))).accessToken);
  });
});
