import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { walkJourney } from '../../../local/demo/journey.ts';
import { makePerson } from '../../../local/demo/person.ts';
import { scannedPdf } from '../../../local/demo/scan.ts';
import { ADMIN_KEY, BUCKET, type Cloud, startCloud, TABLE } from './cloud.ts';

const ADDRESSES = { microsoft: 'scanner@contoso.example', google: 'scanner@gmail.example' } as const;

/** Six pages are 4.1 MB as a message: near the limit of 4.5 MB. */
const PAGES = { 'secrets-manager': 6, envelope: 1 } as const;

/** Every refresh token that the providers have ever given. */
const refreshTokens = ({ folder }: Cloud): string[] => {
  const database = new DatabaseSync(join(folder, 'stand-ins.db'), { readOnly: true });
  const rows = database.prepare(`SELECT id FROM stand_in_artifacts WHERE model = 'RefreshToken'`).all();
  database.close();
  return rows.map(({ id }) => String(id));
};

/** Every value of these fields that the broker has ever answered with. */
const answered = ({ exchanges }: Cloud, fields: readonly string[]): string[] =>
  exchanges.flatMap(({ reply }) => {
    const text = reply.body.toString();
    return fields.flatMap((field) =>
      [...text.matchAll(new RegExp(`"${field}":"([^"]+)"`, 'g'))].map(([, value = '']) => value),
    );
  });

/** Everything in the table, now and ever, in the bucket, and in the queues. */
const stored = async ({ documents, requests, s3, grantSource, mailSource }: Cloud): Promise<string> => {
  const { Items = [] } = await documents.send(new ScanCommand({ TableName: TABLE }));
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
  const objects = Contents.map(async ({ Key }) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
    return (await Body?.transformToString('latin1')) ?? '';
  });
  return [
    JSON.stringify(Items),
    ...requests.filter(({ service }) => service === 'dynamodb').map(({ body }) => body),
    ...(await Promise.all(objects)),
    JSON.stringify([...grantSource.seen(), ...mailSource.seen()]),
  ].join('\n');
};

type Json = Record<string, unknown>;

const admin = async ({ url }: Cloud, method: string, path: string, given?: Json, adminKey = ADMIN_KEY) => {
  const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' };
  const init = { method, headers, ...(given && { body: JSON.stringify(given) }) };
  const reply = await fetch(`${url}/v1/admin${path}`, init);
  const text = await reply.text();
  return { status: reply.status, body: (text === '' ? {} : JSON.parse(text)) as Json };
};

/** Everything below these organizations, by the admin API. */
const listed = async (cloud: Cloud, what: 'mailboxes' | 'devices'): Promise<readonly Json[]> => {
  const { body } = await admin(cloud, 'GET', '/organizations');
  const found = (body.organizations as Json[]).map(async ({ organization_id }) => {
    const inOne = await admin(cloud, 'GET', `/organizations/${organization_id}/${what}`);
    return inOne.body[what] as Json[];
  });
  return (await Promise.all(found)).flat();
};

const mailboxesOf = async (cloud: Cloud): Promise<readonly [Json, Json]> => {
  const [first, second, ...others] = await listed(cloud, 'mailboxes');
  assert.ok(first && second && others.length === 0);
  return [first, second];
};

const unbind = async (cloud: Cloud, mailboxId: string): Promise<void> => {
  for (const { client_id } of await listed(cloud, 'devices')) {
    const { body } = await admin(cloud, 'GET', `/devices/${client_id}`);
    for (const { slot, mailbox_id } of body.bindings as Json[]) {
      if (mailbox_id !== mailboxId) continue;
      assert.equal((await admin(cloud, 'DELETE', `/devices/${client_id}/bindings/${slot}`)).status, 204);
    }
  }
};

/** How many grants have a refresh token in either vault. */
const refreshTokensKept = async ({ documents, secrets, requests }: Cloud): Promise<number> => {
  const { Items = [] } = await documents.send(new ScanCommand({ TableName: TABLE }));
  const made = requests.filter(({ operation, by }) => operation === 'CreateSecret' && by === 'sign-in');
  const read = made.map(({ body }) => secrets.send(new GetSecretValueCommand({ SecretId: JSON.parse(body).Name })));
  const readable = (await Promise.allSettled(read)).filter(({ status }) => status === 'fulfilled');
  return Items.filter(({ pk }) => String(pk).startsWith('vault#')).length + readable.length;
};

for (const vault of ['secrets-manager', 'envelope'] as const) {
  describe(`the built bundles with the ${vault} vault`, () => {
    let cloud: Cloud;
    before(async () => {
      cloud = await startCloud({ vault });
      cloud.mailSource.start();
      cloud.grantSource.start();
    });
    after(() => cloud.close());

    for (const provider of ['microsoft', 'google'] as const) {
      it(`take a device and its ${provider} mailbox from nothing to a delivered scan`, async () => {
        const steps: string[] = [];
        const pdf = await scannedPdf(PAGES[vault]);
        const walk = { adminKey: ADMIN_KEY, provider, address: ADDRESSES[provider], pdf };
        await walkJourney({ broker: cloud, ...walk, tell: (step) => steps.push(step) });
        assert.match(steps.at(-1) ?? '', /byte for byte/);
      });
    }

    it('keep refresh tokens, client secrets, keys and access tokens out of table, bucket, queues and logs', async () => {
      const tokens = refreshTokens(cloud);
      const issued = answered(cloud, ['client_secret', 'access_token', 'registration_access_token', 'enrolment_token']);
      assert.ok(tokens.length >= 2, `${tokens.length} refresh tokens`);
      assert.equal(new Set(issued).size, 8, 'four secrets for each provider');
      const everything = `${await stored(cloud)}\n${cloud.logs()}`;
      assert.match(everything, /token\.issued/, 'the logs are there');
      assert.match(everything, /"clientId"/, 'the table is there');
      for (const secret of [...tokens, ...issued, ADMIN_KEY, 'stand-in-client-secret']) {
        assert.ok(secret.length >= 12 && !everything.includes(secret), `${secret.slice(0, 6)}… is found in plain text`);
      }
    });

    it(`${vault === 'envelope' ? 'make no secret for a grant' : 'keep each refresh token in a secret of its own'}`, async () => {
      const made = cloud.requests.filter(({ operation, by }) => operation === 'CreateSecret' && by === 'sign-in');
      assert.equal(made.length, vault === 'envelope' ? 0 : 2);
      for (const { body } of made) {
        const sent = new GetSecretValueCommand({ SecretId: JSON.parse(body).Name });
        const { SecretString = '' } = await cloud.secrets.send(sent);
        assert.ok(refreshTokens(cloud).some((token) => SecretString.includes(token)));
      }
    });

    it('sign a mailbox out and in again', async () => {
      const [{ mailbox_id: id, address }] = await mailboxesOf(cloud);
      assert.equal((await admin(cloud, 'DELETE', `/mailboxes/${id}/grant`)).status, 204);
      assert.equal((await admin(cloud, 'GET', `/mailboxes/${id}`)).body.token_status, 'not_acquired');
      const { body } = await admin(cloud, 'POST', `/mailboxes/${id}/sign-ins`, {});
      const end = await makePerson().signIn(String(body.url), { username: String(address), stopAt: 'none' });
      assert.match(end.body, /data-result="completed"/);
      assert.equal((await admin(cloud, 'GET', `/mailboxes/${id}`)).body.token_status, 'acquired');
    });

    it('list and revoke enrolment tokens, and give a device a new secret', async () => {
      const [{ organization_id: id }] = await mailboxesOf(cloud);
      const made = await admin(cloud, 'POST', `/organizations/${id}/enrolment-tokens`, {});
      const one = `/organizations/${id}/enrolment-tokens/${made.body.enrolment_token_id}`;
      assert.equal((await admin(cloud, 'DELETE', one)).status, 204);
      const { body } = await admin(cloud, 'GET', `/organizations/${id}/enrolment-tokens`);
      assert.equal((body.enrolment_tokens as readonly Json[])[0]?.state, 'revoked');
      const { body: listed } = await admin(cloud, 'GET', `/organizations/${id}/devices`);
      const [device] = listed.devices as readonly Json[];
      const rotated = await admin(cloud, 'POST', `/devices/${device?.client_id}/secret`, {});
      assert.equal(rotated.status, 201);
    });

    it('make an admin key for one organization, list it, use it at both doors, and revoke it', async () => {
      const [{ organization_id }, { organization_id: another }] = await mailboxesOf(cloud);
      const { status, body } = await admin(cloud, 'POST', '/keys', { name: 'Anna', organization_id });
      assert.equal(status, 201);
      const [key, one] = [String(body.admin_key), `/organizations/${organization_id}`];
      const { body: listed } = await admin(cloud, 'GET', '/keys');
      assert.deepEqual((listed.admin_keys as readonly Json[])[0]?.name, 'Anna');
      const withKey = async (path: string) => (await admin(cloud, 'GET', path, undefined, key)).status;
      assert.deepEqual([await withKey(one), await withKey(`/organizations/${another}`)], [200, 404]);
      const login = { method: 'POST', body: new URLSearchParams({ admin_key: key }), redirect: 'manual' } as const;
      const [cookie = ''] = ((await fetch(`${cloud.url}/console/login`, login)).headers.get('set-cookie') ?? '').split(
        ';',
      );
      const atConsole = async () => (await fetch(`${cloud.url}/console/audit`, { headers: { cookie } })).status;
      assert.equal(await atConsole(), 200);
      assert.equal((await admin(cloud, 'DELETE', `/keys/${body.admin_key_id}`)).status, 204);
      assert.deepEqual([await withKey(one), await atConsole()], [401, 401]);
    });

    it('remove mailboxes, and their refresh tokens with them', async () => {
      const [signedOut, signedIn] = await mailboxesOf(cloud);
      assert.equal((await admin(cloud, 'DELETE', `/mailboxes/${signedOut.mailbox_id}/grant`)).status, 204);
      assert.equal(await refreshTokensKept(cloud), 1);
      for (const { mailbox_id: id } of [signedOut, signedIn]) {
        await unbind(cloud, String(id));
        assert.equal((await admin(cloud, 'DELETE', `/mailboxes/${id}`)).status, 204);
        assert.equal((await admin(cloud, 'GET', `/mailboxes/${id}`)).status, 404);
      }
      assert.equal(await refreshTokensKept(cloud), 0);
    });

    it('do nothing that their roles do not allow', () => {
      assert.deepEqual(cloud.denied(), []);
    });
  });
}
