import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unavailable } from '../fakes/scripted-provider.ts';
import {
  advanceSeconds,
  failure,
  makeWorld,
  openOffice,
  signedInOffice,
  startProcess,
  tokenRequest,
  value,
} from './support.ts';

describe('the administration', () => {
  it('refreshes at once when a person asks, also during the back-off', async () => {
    const world = makeWorld();
    const { process, mailbox, credential } = await signedInOffice(world);
    await advanceSeconds(world, 3601);
    world.microsoft.failNext(unavailable(700));
    failure(await process.fetchToken(tokenRequest(credential)));
    assert.equal(value(await process.administration.mailboxes.refresh(mailbox.id)).lastError, undefined);
    value(await process.fetchToken(tokenRequest(credential)));
  });

  it('binds no device to a mailbox of another organization', async () => {
    const process = startProcess(makeWorld());
    const [ours, theirs] = [await openOffice(process), await openOffice(process, { address: 'scan@fabrikam.example' })];
    const bound = await process.administration.devices.bind(ours.device.clientId, 'scan', theirs.mailbox.id);
    assert.equal(failure(bound).kind, 'not_found');
    assert.equal(failure(await process.fetchToken(tokenRequest(ours.credential))).kind, 'not_signed_in');
    const [binding] = value(await process.administration.devices.get(ours.device.clientId)).bindings;
    assert.equal(binding?.mailboxId, ours.mailbox.id);
  });

  it('removes neither a mailbox in use nor an organization that is not empty', async () => {
    const process = startProcess(makeWorld());
    const { device, mailbox, organization } = await openOffice(process);
    const { devices, mailboxes, organizations } = process.administration;
    assert.equal(failure(await mailboxes.remove(mailbox.id)).kind, 'conflict');
    value(await devices.remove(device.clientId));
    assert.equal(failure(await organizations.remove(organization.id)).kind, 'conflict');
    value(await mailboxes.remove(mailbox.id));
    value(await organizations.remove(organization.id));
  });

  it('shows history newest first, page by page, without a gap or a repeat', async () => {
    const world = makeWorld();
    const process = startProcess(world);
    const { organizations, history } = process.administration;
    for (let count = 0; count < 12; count++) {
      await organizations.create(`Customer ${count}`, 'en');
      await advanceSeconds(world, 1);
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await history.audit({ organizationId: undefined, cursor, limit: 5 });
      seen.push(...page.entries.map(({ detail = '' }) => detail));
      cursor = page.cursor;
    } while (cursor !== undefined);
    assert.deepEqual(
      seen,
      Array.from({ length: 12 }, (_, count) => `Customer ${11 - count}`),
    );
  });
});
