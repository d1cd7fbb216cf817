import assert from 'node:assert/strict';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { makePerson } from '../../../local/demo/person.ts';
import type { ProviderName } from '../../../shared/domain/provider.ts';
import { ADMIN_KEY, type Cloud, TABLE } from './cloud.ts';

export type Json = Record<string, unknown>;

const now = (): number => Math.floor(Date.now() / 1000);

/** A signed-in mailbox and a device bound to it, made over HTTP; and time, let pass by hand in the table. */
export const furnishOffice = async (
  { url, documents }: Pick<Cloud, 'url' | 'documents'>,
  { provider = 'microsoft', address = 'scanner@contoso.example' }: { provider?: ProviderName; address?: string } = {},
) => {
  const admin = async (method: string, path: string, body?: Json): Promise<Json> => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' };
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const reply = await fetch(`${url}/v1/admin${path}`, init);
    assert.ok(reply.ok, `${method} ${path} answers ${reply.status}`);
    return (await reply.json()) as Json;
  };
  const { organization_id } = await admin('POST', '/organizations', { name: 'Contoso' });
  const mailbox = await admin('POST', `/organizations/${organization_id}/mailboxes`, { provider, address });
  const mailboxId = String(mailbox.mailbox_id);
  const device = await admin('POST', `/organizations/${organization_id}/devices`, { client_name: 'Copier' });
  await admin('PUT', `/devices/${device.client_id}/bindings/scan`, { mailbox_id: mailboxId });
  const signIn = await admin('POST', `/mailboxes/${mailboxId}/sign-ins`, {});
  const end = await makePerson().signIn(String(signIn.url), { username: address, stopAt: 'none' });
  assert.match(end.body, /data-result="completed"/);

  const basic = `Basic ${Buffer.from(`${device.client_id}:${device.client_secret}`).toString('base64')}`;
  const itemOf = async (pk: string, sk: string): Promise<Json> => {
    const { Item } = await documents.send(new GetCommand({ TableName: TABLE, Key: { pk, sk }, ConsistentRead: true }));
    return Item ?? {};
  };
  const set = async (
    pk: string,
    sk: string,
    values: Readonly<Record<string, number | readonly number[]>>,
  ): Promise<void> => {
    for (const [path, value] of Object.entries(values)) {
      const names = path.split('.');
      const placeholders = names.map((_, index) => `#n${index}`);
      await documents.send(
        new UpdateCommand({
          TableName: TABLE,
          Key: { pk, sk },
          UpdateExpression: `SET ${placeholders.join('.')} = :v`,
          ConditionExpression: 'attribute_exists(pk)',
          ExpressionAttributeNames: Object.fromEntries(names.map((name, index) => [`#n${index}`, name])),
          ExpressionAttributeValues: { ':v': value },
        }),
      );
    }
  };
  const partition = `mailbox#${mailboxId}`;

  let fallenDue = 0;
  return {
    admin,
    basic,
    mailboxId,
    address,
    clientId: String(device.client_id),
    fetchToken: () =>
      fetch(`${url}/oauth/token`, {
        method: 'POST',
        headers: { authorization: basic },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      }),
    /** Hands a message in and gives the submission. */
    async handIn(text: string): Promise<Json> {
      const headers = { authorization: basic, 'content-type': 'message/rfc822' };
      const body = `From: ${address}\r\nTo: archive@example.org\r\nSubject: ${text}\r\n\r\n${text}\r\n`;
      const reply = await fetch(`${url}/v1/messages`, { method: 'POST', headers, body });
      assert.equal(reply.status, 202);
      return (await reply.json()) as Json;
    },
    async submission(id: unknown): Promise<Json> {
      return (await (await fetch(`${url}/v1/messages/${id}`, { headers: { authorization: basic } })).json()) as Json;
    },
    grant: () => itemOf(partition, 'grant'),
    accessToken: () => itemOf(partition, 'token#smtp'),
    /** As if the access token had run out long ago. */
    letAccessTokenExpire: () => set(partition, 'token#smtp', { issuedAt: now() - 7200, expiresAt: now() - 3600 }),
    /** As if the provider had not been asked for a day, and the grant's keep-alive were due. */
    async letKeepAliveFallDue(): Promise<void> {
      await set(partition, 'grant', { dueAt: now() - 1, provenAt: now() - 86_400 });
      await set(partition, 'token#smtp', { issuedAt: now() - 600, issueTimes: [now() - 600] });
    },
    /** As if the time to leave the provider alone were over. */
    letTroublePass: () => set(partition, 'grant', { 'trouble.retryAt': now() - 1 }),
    /** As if the one who holds the lease had not been heard of for its whole term. */
    letLeaseRunOut: () => set(partition, 'lease', { until: now() - 1 }),
    /** As if what a deferred or queued submission waits for had come. */
    letSubmissionFallDue: async (id: unknown): Promise<void> => {
      const { status, mailboxId: itsMailbox } = await itemOf(`submission#${id}`, 'submission');
      if ((status as Json).until !== undefined) {
        await set(`submission#${id}`, 'submission', { 'status.until': now() - 1 });
      }
      const { stop } = await itemOf(`outbox#${itsMailbox}`, 'outbox');
      // Never twice at one moment: the queue would take it for a repeat.
      const times = { dueAt: now() - 100 * ++fallenDue, ...(stop === undefined ? {} : { 'stop.until': now() - 1 }) };
      await set(`outbox#${itsMailbox}`, 'outbox', times);
    },
  };
};

export type Office = Awaited<ReturnType<typeof furnishOffice>>;
