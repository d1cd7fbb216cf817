import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { makePerson } from '../../../local/demo/person.ts';
import { ADMIN_KEY, type Cloud, startCloud } from './cloud.ts';
import { SCHEDULE_EVENT } from './schedule-event.ts';

type Json = Record<string, unknown>;

for (const vault of ['secrets-manager', 'envelope'] as const) {
  describe(`pairing through the built bundles, with the ${vault} vault`, () => {
    let cloud: Cloud;
    let basic: string;
    let organizationId: string;

    before(async () => {
      cloud = await startCloud({ vault, movesClock: true });
      ({ organization_id: organizationId } = (await admin('POST', '/organizations', { name: 'Contoso' })) as {
        organization_id: string;
      });
      const device = await admin('POST', `/organizations/${organizationId}/devices`, { client_name: 'Copier' });
      basic = `Basic ${Buffer.from(`${device.client_id}:${device.client_secret}`).toString('base64')}`;
    });
    after(() => cloud.close());

    const admin = async (method: string, path: string, body?: Json): Promise<Json> => {
      const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' };
      const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
      return (await fetch(`${cloud.url}/v1/admin${path}`, init)).json() as Promise<Json>;
    };
    const post = async (path: string, form: Record<string, string>, authorization = basic) => {
      const init = { method: 'POST', headers: { authorization }, body: new URLSearchParams(form) };
      const reply = await fetch(`${cloud.url}${path}`, init);
      const text = await reply.text();
      return { status: reply.status, body: (text === '' ? {} : JSON.parse(text)) as Json };
    };

    it('leads from a code to a token, through its refreshes, to the log-out', async () => {
      const { body: begun } = await post('/oauth/device_authorization', { slot: 'user:jan' });
      const redeem = () =>
        post('/oauth/token', {
          grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
          device_code: String(begun.device_code),
        });
      assert.equal((await redeem()).body.error, 'authorization_pending');
      assert.equal((await redeem()).body.error, 'slow_down');
      const image = await fetch(String(begun.verification_qr_uri));
      assert.equal(
        Buffer.from(await image.arrayBuffer())
          .subarray(0, 3)
          .toString(),
        'GIF',
      );
      const address = String(begun.verification_uri_complete);
      const end = await makePerson().signIn(address, { username: 'jan@contoso.example', stopAt: 'none' });
      assert.match(end.body, /data-result="completed"/);

      await cloud.moveClock(11);
      const { body: token } = await redeem();
      assert.equal(token.account, 'jan@contoso.example');
      const refresh = (refreshToken: unknown) =>
        post('/oauth/token', { grant_type: 'refresh_token', refresh_token: String(refreshToken) });
      const second = await refresh(token.refresh_token);
      assert.equal(second.status, 200);
      assert.equal((await refresh(second.body.refresh_token)).status, 200);
      assert.equal((await refresh(token.refresh_token)).body.error, 'invalid_grant');
      assert.equal((await post('/oauth/revoke', { slot: 'user:jan' })).status, 200);
      const fetched = await post('/oauth/token', { grant_type: 'client_credentials', slot: 'user:jan' });
      assert.equal(fetched.body.error, 'invalid_grant');
      const { mailboxes } = await admin('GET', `/organizations/${organizationId}/mailboxes`);
      assert.equal((mailboxes as readonly Json[])[0]?.token_status, 'not_acquired');
    });

    it('empties the slot of a user who has been away for as long as the device allows', async () => {
      const { devices } = await admin('GET', `/organizations/${organizationId}/devices`);
      const [device] = devices as readonly Json[];
      await admin('PATCH', `/devices/${device?.client_id}`, { user_idle_seconds: 1800 });
      const { body: begun } = await post('/oauth/device_authorization', { slot: 'user:eva' });
      const address = String(begun.verification_uri_complete);
      await makePerson().signIn(address, { username: 'eva@contoso.example', stopAt: 'none' });
      const bindings = async () => (await admin('GET', `/devices/${device?.client_id}`)).bindings as readonly Json[];
      assert.equal((await bindings()).length, 1);
      assert.equal((await bindings())[0]?.fetched_since_sign_in, false);
      const sent = await fetch(`${cloud.url}/v1/messages?slot=user:eva`, {
        method: 'POST',
        headers: { authorization: basic, 'content-type': 'message/rfc822' },
        body: 'From: eva@contoso.example\r\nTo: ann@contoso.example\r\n\r\nSee below.\r\n',
      });
      assert.equal(sent.status, 202);
      assert.equal((await bindings())[0]?.fetched_since_sign_in, true, 'mail that is handed in is use');
      await cloud.moveClock(1900);
      await cloud.functionOf('refresh-grants/sweep').invoke(SCHEDULE_EVENT);
      await cloud.grantSource.drain();
      assert.deepEqual(await bindings(), []);
    });

    it('counts wrong codes and secrets', async () => {
      const wrong = `${basic.slice(0, -4)}AAAA`;
      const statuses = [];
      for (let time = 0; time < 12; time++) {
        statuses.push((await post('/oauth/token', { grant_type: 'client_credentials' }, wrong)).status);
      }
      assert.deepEqual(statuses.slice(8), [401, 401, 429, 429]);
      const body = new URLSearchParams({ user_code: 'BBBB-BBBB' });
      assert.equal((await fetch(`${cloud.url}/pair`, { method: 'POST', body })).status, 404);
    });

    it('does nothing that the roles do not allow', () => {
      assert.deepEqual(cloud.denied(), []);
    });
  });
}
