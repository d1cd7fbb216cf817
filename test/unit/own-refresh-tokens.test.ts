import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { refreshTokenMaker } from '../../shared/usecases/pairing/redeem-refresh-token.ts';
import {
  advanceSeconds,
  everythingAtRest,
  failure,
  makeWorld,
  type Office,
  type Process,
  settle,
  signedInOffice,
  signIn,
  startProcess,
  value,
  type World,
} from './support.ts';

const DAY = 86_400;

describe("the broker's own refresh token", () => {
  let world: World;
  let process: Process;
  let office: Office;
  let first: string;

  const make = (slot = 'scan') =>
    refreshTokenMaker(process)({
      ...{ clientId: office.device.clientId, slot, mailboxId: office.mailbox.id, audience: 'smtp' },
    });
  const redeem = (refreshToken: string, by: Process = process, credential = office.credential) =>
    by.redeemRefreshToken({ ...credential, refreshToken, audience: undefined, minTtlSeconds: 600 });
  const next = async (refreshToken: string) => value(await redeem(refreshToken)).refreshToken;
  const kind = async (refreshToken: string) => {
    const redeemed = await redeem(refreshToken);
    return redeemed.ok ? 'token' : redeemed.error.kind;
  };

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
    first = await make();
  });

  it("yields the provider's access token, and another of itself", async () => {
    const issued = value(await redeem(first));
    assert.equal(issued.account, office.mailbox.address);
    assert.notEqual(issued.refreshToken, first);
    assert.equal(await kind(issued.refreshToken), 'token');
  });

  it('gives the same next one again to whoever lost the answer, and to clients that keep the first for good', async () => {
    const second = await next(first);
    for (let day = 0; day < 200; day++) {
      await advanceSeconds(world, DAY);
      assert.equal(await next(first), second);
    }
    assert.equal(await kind(second), 'token');
  });

  it('gives the same next one to all who ask at once, from several processes', async () => {
    const processes = [process, startProcess(world), startProcess(world)];
    const all = await Promise.all(Array.from({ length: 30 }, (_, index) => redeem(first, processes[index % 3])));
    assert.equal(new Set(all.map((one) => value(one).refreshToken)).size, 1);
    assert.equal(await kind(value(all[0] ?? (await redeem(first))).refreshToken), 'token');
  });

  it('ends with all that came of it when one is used that was used up: two have it (RFC 9700 section 4.14.2)', async () => {
    const second = await next(first);
    const third = await next(second);
    assert.equal(await kind(first), 'refresh_token_unknown');
    assert.equal(await kind(third), 'refresh_token_unknown', 'nobody can tell which of the two is the thief');
    assert.ok(world.log.lines.some(({ event }) => event === 'refresh_token.reused'));
  });

  it('never works again after a reuse, whatever the order of uses', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5), { minLength: 1, maxLength: 12 }), async (uses) => {
        const chain = [await make()];
        let newest = 0;
        let alive = true;
        for (const use of uses) {
          const index = Math.min(use, chain.length - 1);
          const redeemed = await redeem(chain[index] ?? '');
          // Good are the newest that was ever used, and its successor.
          alive &&= index >= newest;
          assert.equal(redeemed.ok, alive);
          if (!redeemed.ok) continue;
          newest = index;
          chain.splice(index + 1, chain.length, redeemed.value.refreshToken);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('lives ninety days from its last use', async () => {
    await advanceSeconds(world, 89 * DAY);
    const second = await next(first);
    await advanceSeconds(world, 89 * DAY);
    assert.equal(await kind(second), 'token');
    await advanceSeconds(world, 90 * DAY);
    assert.equal(await kind(second), 'refresh_token_unknown');
  });

  it('is worth nothing without the credential of its own device', async () => {
    const made = value(await process.administration.devices.create(office.organization.id, { clientName: 'Other' }));
    const other = { ...office.credential, clientId: made.device.clientId, clientSecret: made.clientSecret };
    assert.equal(failure(await redeem(first, process, other)).kind, 'refresh_token_unknown');
    const wrong = { ...office.credential, clientSecret: 'wrong' };
    assert.equal(failure(await redeem(first, process, wrong)).kind, 'invalid_client');
    assert.equal(await kind(first), 'token');
  });

  it('is as good as before after a refusal that has to do with the mailbox', async () => {
    value(await process.administration.devices.unbind(office.device.clientId, 'scan'));
    assert.equal(await kind(first), 'slot_not_bound');
    value(await process.administration.devices.bind(office.device.clientId, 'scan', office.mailbox.id));
    assert.equal(await kind(first), 'token');
  });

  it('is good for the audience that it was made for, and no more (RFC 6749 section 6)', async () => {
    const request = { ...office.credential, refreshToken: first, minTtlSeconds: 600 };
    assert.equal(value(await process.redeemRefreshToken({ ...request, audience: 'smtp' })).audience, 'smtp');
    const wider = failure(await process.redeemRefreshToken({ ...request, audience: 'imap' }));
    assert.equal(wider.kind, 'scope_not_granted');
  });

  it('serves nobody who has the slot after its user has left it', async () => {
    const { clientId } = office.device;
    const address = 'carl@contoso.example';
    const { mailbox } = value(
      await process.administration.mailboxes.create(office.organization.id, {
        ...{ provider: 'microsoft' },
        address,
        aliases: [],
      }),
    );
    value(await signIn(world, process, mailbox));
    value(await process.administration.devices.bind(clientId, 'scan', mailbox.id));
    assert.equal(await kind(first), 'refresh_token_unknown');
  });

  it('survives a client that lost patience: the slow request and its repetition get the same next one', async () => {
    await advanceSeconds(world, 3601);
    world.microsoft.latencyMs = 6000;
    const slow = redeem(first);
    await advanceSeconds(world, 1);
    const again = redeem(first);
    await advanceSeconds(world, 10);
    const [one, other] = [value(await settle(world, slow)), value(await settle(world, again))];
    assert.equal(one.refreshToken, other.refreshToken);
    world.microsoft.latencyMs = 0;
    assert.equal(await kind(one.refreshToken), 'token');
  });

  it('stands nowhere in plain text', async () => {
    const second = await next(first);
    const written = everythingAtRest(world) + JSON.stringify(world.log.lines);
    for (const token of [first, second]) assert.ok(!written.includes(token.split('.')[1] ?? ''));
  });

  it('is not anything that looks like it', async () => {
    const [id, secret] = first.split('.');
    const x = 'x'.repeat(43);
    for (const text of ['', '.', 'x', `${id}.`, `${x}.${secret}`, `${id}.${secret}x`, `${id} ${secret}`, x]) {
      assert.equal(await kind(text), 'refresh_token_unknown', text);
    }
    assert.equal(await kind(first), 'token');
  });

  describe('that is revoked', () => {
    const revoke = (token: string | undefined, slot?: string, credential = office.credential) =>
      process.revokeToken({ ...credential, token, hint: undefined, slot });

    it('ends with all that came of it, and leaves the mailbox of the organization alone', async () => {
      const second = await next(first);
      value(await revoke(first));
      for (const token of [first, second]) assert.equal(await kind(token), 'refresh_token_unknown');
      assert.equal((await process.describeMailbox(office.mailbox)).tokenStatus, 'acquired');
      assert.ok(await process.records.devices.binding(office.device.clientId, 'scan'));
    });

    it('by another device goes on', async () => {
      const made = value(await process.administration.devices.create(office.organization.id, { clientName: 'Other' }));
      const other = { ...office.credential, clientId: made.device.clientId, clientSecret: made.clientSecret };
      value(await revoke(first, undefined, other));
      assert.equal(await kind(first), 'token');
    });

    it("takes a person's own slot with it, and the sign-in that nothing else uses", async () => {
      const { clientId } = office.device;
      value(await process.administration.devices.bind(clientId, 'user:jan', office.mailbox.id));
      value(await revoke(await make('user:jan')));
      assert.equal(await process.records.devices.binding(clientId, 'user:jan'), undefined);
      assert.equal((await process.describeMailbox(office.mailbox)).tokenStatus, 'acquired', 'scan uses it yet');

      value(await process.administration.devices.unbind(clientId, 'scan'));
      value(await process.administration.devices.bind(clientId, 'user:eva', office.mailbox.id));
      value(await revoke(undefined, 'user:eva'));
      assert.equal((await process.describeMailbox(office.mailbox)).tokenStatus, 'not_acquired');
      assert.equal(await process.vault.read(office.mailbox.id), undefined);
    });

    it('is no error where it is unknown, but an access token is (RFC 7009 section 2.2)', async () => {
      value(await revoke(`${'x'.repeat(43)}.${'y'.repeat(43)}`));
      assert.equal(failure(await revoke('some.access.token')).kind, 'unsupported_token_type');
      value(await revoke('some.access.token', 'user:nobody'));
    });
  });
});
