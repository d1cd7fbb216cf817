import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Administration } from '../../shared/usecases/administration/index.ts';
import { recordsWithin } from '../../shared/usecases/administration/reach.ts';
import { failure, makeWorld, openOffice, type Process, startProcess, value } from './support.ts';

const CHANGES = { emails: ['it@contoso.example'] };

describe('the notifications of one organization', () => {
  let process: Process;
  let own: string;
  let other: string;
  let customer: Administration;

  beforeEach(async () => {
    process = startProcess(makeWorld());
    own = (await openOffice(process)).organization.id;
    other = (await openOffice(process, { address: 'scan@fabrikam.example' })).organization.id;
    customer = process.administrationFor({ scope: 'organization', organizationId: own, by: 'admin:key_1' });
    for (const scope of [own, other, undefined]) {
      value(await process.administration.notifications.update(scope, CHANGES));
    }
  });

  it('are changed, tried out and read with its own key', async () => {
    const { notifications } = customer;
    assert.deepEqual(value(await notifications.update(own, { locale: 'pl' })).settings.locale, 'pl');
    assert.equal(value(await notifications.test(own)).test?.phase, 'test');
    assert.deepEqual(value(await notifications.get(own)).settings.emails, CHANGES.emails);
    assert.deepEqual(value(await notifications.notices(own, 10)).notices, []);
  });

  it('are not even found by what its administration is built of', async () => {
    const authority = { scope: 'organization', organizationId: own, by: 'admin:key_1' } as const;
    const { notificationSettings, notices } = recordsWithin(process.records, authority);
    for (const scope of [other, undefined]) {
      assert.deepEqual(await notificationSettings.get(scope), { settings: { emails: [] }, revision: 0 });
      assert.equal(await notificationSettings.replace(scope, { revision: 0 }, { emails: ['x@y.example'] }), false);
      assert.equal(await notificationSettings.replace(scope, { revision: 1 }, { emails: ['x@y.example'] }), false);
      assert.deepEqual(await notices.list(scope, 10), { open: [] });
      assert.deepEqual(await notices.events(scope, ['evt_1']), []);
    }
    assert.deepEqual((await notificationSettings.get(own)).settings, CHANGES);
  });

  for (const [whose, kind] of [
    ["another's", 'not_found'],
    ["the operator's", 'invalid_admin_key'],
  ] as const) {
    it(`are all that its key reaches: ${whose} are ${kind}, and stay as they are`, async () => {
      const scope = kind === 'not_found' ? other : undefined;
      const { notifications } = customer;
      const before = await process.records.notificationSettings.get(scope);
      for (const error of [
        failure(await notifications.get(scope)),
        failure(await notifications.update(scope, { emails: [] })),
        failure(await notifications.rotateSecret(scope)),
        failure(await notifications.test(scope)),
        failure(await notifications.notices(scope, 10)),
      ]) {
        assert.equal(error.kind, kind);
      }
      assert.deepEqual(await process.records.notificationSettings.get(scope), before);
    });
  }
});
