import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { KeyNames } from '../../shared/ports/key-custody.ts';
import { makeFindKeyUse, makeResealWebhooks } from '../../shared/usecases/look-after-keys.ts';
import { type NoticeOffice, noticeOffice, RECEIVER } from '../fakes/notice-office.ts';

let office: NoticeOffice;

beforeEach(async () => {
  office = await noticeOffice();
  await office.wanted();
});

const find = () => makeFindKeyUse({ ...office, sealedRefreshToken: async () => undefined })('webhooks');

const names = (current: string, ...others: string[]): KeyNames => ({
  ...{ current, currentSince: 0, all: [current, ...others], next: undefined },
});

const secrets = async (): Promise<string> => {
  const { webhook } = (await office.records.notificationSettings.get(office.organizationId)).settings;
  return office.records.notificationSettings.openSecret(office.organizationId, webhook?.sealedSecret ?? '');
};

describe('the keys that seal the secrets of webhooks', () => {
  it('are needed by the organizations whose secrets they sealed, and by the operator', async () => {
    const sealedSecret = await office.records.notificationSettings.sealSecret(undefined, 'whsec_operator');
    const settings = { webhook: { url: 'https://operator.example/', sealedSecret }, emails: [] };
    await office.records.notificationSettings.replace(undefined, { revision: 0 }, settings);
    assert.deepEqual(
      [...(await find())],
      [
        [
          'webhook',
          [
            { id: 'broker', address: 'https://operator.example/' },
            { id: office.organizationId, address: RECEIVER },
          ],
        ],
      ],
    );
  });

  it('are needed as well by the former secret of a rotation, while it signs', async () => {
    const { webhook } = (await office.records.notificationSettings.get(office.organizationId)).settings;
    assert.ok(webhook);
    office.webhookKeys.rotate();
    const sealedSecret = await office.records.notificationSettings.sealSecret(office.organizationId, 'whsec_new');
    const former = { sealedSecret: webhook.sealedSecret, until: office.now() + 60 };
    await office.settle({ webhook: { ...webhook, sealedSecret, former } });
    assert.deepEqual([...(await find()).keys()].sort(), ['webhook', 'webhook-1']);
  });

  it('give way to the current one when secrets are sealed anew, which stay the same', async () => {
    const before = await secrets();
    const current = office.webhookKeys.rotate();
    const reseal = makeResealWebhooks(office);
    assert.equal(await reseal(names(current, 'webhook')), 1);
    assert.deepEqual([...(await find()).keys()], [current]);
    assert.equal(await secrets(), before);
    assert.equal(await reseal(names(current, 'webhook')), 0);
  });
});
