import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PARTITIONS, VAULT_PARTITIONS } from '../../infra/rights/table-access.ts';
import { isOwner, kindOf, lockedAs, ownersOf, restored } from '../../scripts/cloud-restore/rules.ts';
import type { Submission } from '../../shared/domain/submission.ts';
import { attributes, keys } from '../../shared/records/items.ts';

const NOW = 1_800_000_000;

const waiting: Submission = {
  id: 'sub_1',
  organizationId: 'org_1',
  clientId: 'device',
  slot: 'scan',
  mailboxId: 'mbx_1',
  account: 'scanner@contoso.example',
  messageId: '<1@contoso.example>',
  envelope: { from: 'scanner@contoso.example', to: ['a@example.org', 'b@example.org'] },
  delivered: ['a@example.org'],
  rejected: [],
  sizeBytes: 10,
  acceptedAt: NOW - 100,
  attempts: 1,
  status: { state: 'sending', until: NOW + 10 },
};
const itemOf = (submission: Submission) => ({
  ...keys.submission(submission.id),
  ...attributes(submission),
  revision: 3,
});

describe('what an older table is worth', () => {
  it('is said of every key that the broker writes', () => {
    const made = Object.values(keys).map((key) => (typeof key === 'function' ? key('one', 'admin', 'three') : key));
    for (const key of made) assert.doesNotThrow(() => kindOf({ sk: 'any', ...key }), JSON.stringify(key));
    const seen = new Set(made.map(({ pk }) => pk.replace(/#.*/, '')));
    for (const partition of [...PARTITIONS, ...VAULT_PARTITIONS]) {
      const pk = partition.replace(/#\*$/, '');
      assert.ok(seen.has(pk) || pk === 'vault', `no key of ${partition} was tried`);
    }
    assert.doesNotThrow(() => kindOf({ pk: 'vault#mbx_1', sk: 'refresh_token' }));
  });

  it('is not guessed of what this version does not know', () => {
    assert.throws(() => kindOf({ pk: 'something#secret-id', sk: 'new' }), {
      name: 'CommandTrouble',
      message: 'There is no rule for the item something#… new.',
    });
  });

  it('is nothing for leases, sessions, codes, access tokens, and work under way', () => {
    const gone = [
      keys.lease('m'),
      keys.accessToken('m', 'smtp'),
      keys.openSignIn('m'),
      keys.signIn('s'),
      keys.pairing('p'),
      keys.userCode('u'),
      keys.session('t'),
      keys.reconnectLink('r'),
      keys.outbox('m'),
      keys.pace('m'),
      keys.pendingSubmission('m', 's'),
      keys.attempts('place', 'admin'),
      keys.upload('u'),
      keys.coolDown('microsoft'),
      keys.noticeEvent('org_1', 'e'),
      keys.unmailedNotice('org_1', 'e'),
      keys.noticePost('org_1'),
    ];
    for (const key of gone) assert.deepEqual(restored(key, NOW), [], JSON.stringify(key));
  });

  it('is the item itself for what people decided and what has happened', () => {
    const stays = [
      keys.organization('org_1'),
      keys.device('d'),
      keys.binding('d', 'scan'),
      keys.mailbox('m'),
      keys.grant('m'),
      keys.adminKey('hash'),
      keys.audit('org_1', 'a'),
      keys.openNotice('org_1', 'grant.invalid', 'm'),
      keys.idempotency('d', 'hash'),
    ];
    for (const key of stays) assert.deepEqual(restored(key, NOW), [key]);
  });

  it('ends mail that waited then, as nobody knows whether it was sent since', () => {
    const [record, content] = restored(itemOf(waiting), NOW);
    assert.deepEqual(record?.status, { state: 'failed', at: NOW, reason: 'outcome_unknown' });
    assert.deepEqual([record?.delivered, record?.rejected], [['a@example.org'], []]);
    assert.equal(record?.expiresAt, NOW + 30 * 86_400);
    assert.deepEqual([content?.sk, content?.dueAt], ['content', NOW + 30 * 86_400]);
    const sent = itemOf({ ...waiting, status: { state: 'sent', at: NOW - 50 } });
    assert.deepEqual(restored(sent, NOW), [sent]);
    const atGateway = itemOf({ ...waiting, gatewayId: 'gw' });
    assert.deepEqual(restored(atGateway, NOW), [atGateway]);
  });

  it('leaves locked what was locked since', () => {
    const older = { ...keys.device('d'), enabled: true, secretHashes: ['then'] };
    assert.deepEqual(lockedAs(older, { ...older, enabled: false }), { ...older, enabled: false });
    assert.equal(lockedAs(older, older), older);
    const lockedThen = { ...older, enabled: false };
    assert.equal(lockedAs(lockedThen, older), lockedThen);
  });

  it('knows to what an item belongs', () => {
    assert.deepEqual(ownersOf(keys.binding('d', 'scan')), [keys.device('d')]);
    assert.deepEqual(ownersOf(keys.boundDevice('m', 'd', 'user:a#b')), [keys.mailbox('m'), keys.device('d')]);
    assert.deepEqual(ownersOf(keys.mailboxOf('org_1', 'm')), [keys.mailbox('m')]);
    assert.deepEqual(ownersOf(keys.notifications(undefined)), []);
    assert.deepEqual(ownersOf(keys.notifications('org_1')), [keys.organization('org_1')]);
    assert.deepEqual([keys.device('d'), keys.mailbox('m'), keys.organization('o')].map(isOwner), [true, true, true]);
    assert.equal(isOwner(keys.grant('m')), false);
  });
});
