import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  ADDRESSES,
  arrived,
  assertProblem,
  type Bound,
  basicOf,
  bind,
  call,
  eventually,
  type Json,
  newDevice,
  type Reply,
  rawRequest,
  signedInDevice,
  submissionIn,
  type WireBroker,
  type WireDevice,
  wireBroker,
} from './support.ts';

const LIMIT_BYTES = 36_700_160;

const sha256 = (content: Buffer, encoding: 'hex' | 'base64' = 'hex'): string =>
  createHash('sha256').update(content).digest(encoding);

/** A scan of the size, with a CRLF at the end of every line, that needs nothing. */
const scan = (sizeBytes: number, messageId: string): Buffer => {
  const head = [
    `From: ${ADDRESSES.microsoft}`,
    'To: archive@example.org',
    'Subject: Large',
    `Message-ID: <${messageId}@device.example>`,
    'Date: Sat, 21 Nov 2026 10:00:00 +0000',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="-"',
    '',
    '---',
    'Content-Type: application/pdf',
    'Content-Transfer-Encoding: base64',
    '',
    '',
  ].join('\r\n');
  const end = '\r\n-----\r\n';
  const lines = Buffer.alloc(sizeBytes - head.length - end.length, `${'JVBERi0xLjcK'.repeat(6)}\r\n`);
  return Buffer.concat([Buffer.from(head), lines, Buffer.from(end)]);
};

describe('uploads of large messages', () => {
  let broker: WireBroker;
  let bound: Bound;
  let device: WireDevice;

  before(async () => {
    broker = await wireBroker();
    bound = await signedInDevice(broker, 'microsoft');
    ({ device } = bound);
  });
  after(() => broker.close());

  const post = (
    path: string,
    body: unknown,
    { basic } = device,
    headers: Record<string, string> = {},
  ): Promise<Reply> =>
    call(`${broker.url}${path}`, {
      method: 'POST',
      headers: { authorization: basic, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const begin = (body: unknown, by = device) => post('/v1/uploads', body, by);
  const put = ({ url, method, headers }: Json, content: Buffer): Promise<Reply> =>
    call(String(url), {
      method: String(method),
      headers: headers as Record<string, string>,
      body: new Uint8Array(content),
    });
  const begun = async (content: Buffer, announced: Json = { sha256: sha256(content) }): Promise<Json> => {
    const { status, body, text } = await begin({ size_bytes: content.length, ...announced });
    assert.equal(status, 201, text);
    return body;
  };
  const uploaded = async (content: Buffer): Promise<Json> => {
    const upload = await begun(content);
    assert.equal((await put(upload, content)).status, 200);
    return upload;
  };
  const handIn = (upload: Json, more: Json = {}, by = device) =>
    post('/v1/messages', { upload_id: upload.upload_id, ...more }, by);
  const uploadFiles = () => readdir(join(broker.folder, 'blobs', 'uploads')).catch((): string[] => []);

  test('carry a message of 35 MB to its recipient, byte for byte', async () => {
    const content = scan(LIMIT_BYTES, 'largest');
    const upload = await uploaded(content);
    assert.deepEqual(Object.keys(upload).sort(), ['expires_at', 'headers', 'method', 'upload_id', 'url']);
    const { status, body, text } = await handIn(upload);
    assert.equal(status, 202, text);
    assert.deepEqual([body.account, body.message_id], [ADDRESSES.microsoft, '<largest@device.example>']);
    await submissionIn(broker, device, body.submission_id, 'sent');
    const [message] = (await arrived(broker)).filter(({ raw }) => raw.includes('<largest@'));
    assert.equal(sha256(Buffer.from(message?.raw ?? '')), sha256(content));
    assert.deepEqual(await uploadFiles(), []);
  });

  test('are asked for only up to the limit, and with what can be checked', async () => {
    assertProblem(await begin({ size_bytes: LIMIT_BYTES + 1 }), 413, 'message_too_large');
    for (const body of [
      {},
      { size_bytes: 0 },
      { size_bytes: 1.5 },
      { size_bytes: '1' },
      { size_bytes: 1, sha256: 'abc' },
      { size_bytes: 1, more: 1 },
      [],
    ]) {
      assertProblem(await begin(body), 400, 'invalid_request');
    }
    assertProblem(
      await begin({ size_bytes: 1 }, { ...device, basic: basicOf(device.clientId, 'wrong') }),
      401,
      'invalid_client',
    );
  });

  test('are taken only as they were announced', async () => {
    const content = scan(1_000_000, 'announced');
    for (const encoding of ['hex', 'base64'] as const) {
      const upload = await begun(content, { sha256: sha256(content, encoding) });
      const other = Buffer.from(content);
      other[500_000] = 0x41;
      const longer = Buffer.concat([content, Buffer.alloc(30_000_000)]);
      for (const wrong of [other, content.subarray(1), longer, Buffer.alloc(0)]) {
        assertProblem(await put(upload, wrong), 409, 'upload_incomplete');
      }
      assertProblem(await handIn(upload), 409, 'upload_incomplete');
      assert.deepEqual(await uploadFiles(), []);
      assert.equal((await put(upload, content)).status, 200);
      assert.equal((await put(upload, content)).status, 200, 'a repeated one, for the reply was lost');
      assert.equal((await handIn(upload)).status, 202);
    }
  });

  test('that break off leave nothing', async () => {
    const upload = await begun(Buffer.alloc(1_000_000));
    const { pathname, search } = new URL(String(upload.url));
    const head = `PUT ${pathname}${search} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n`;
    await rawRequest(broker.url, Buffer.concat([Buffer.from(head), Buffer.alloc(500_000)]), 500);
    assert.deepEqual(await uploadFiles(), []);
    await eventually('nothing half-written is left', async () =>
      (await readdir(join(broker.folder, 'blobs', '.incoming'))).length === 0 ? true : undefined,
    );
    assert.doesNotMatch(broker.output(), /request\.crashed/);
    assertProblem(await handIn(upload), 409, 'upload_incomplete');
  });

  test('are handed in once, also where the reply was lost and the broker was killed', async () => {
    const content = scan(5_000_000, 'repeated');
    const upload = await uploaded(content);
    const first = await handIn(upload);
    assert.equal(first.status, 202);
    await broker.kill();
    await broker.start();
    for (let n = 0; n < 3; n++) {
      assert.equal((await handIn(upload)).body.submission_id, first.body.submission_id);
    }
    assertProblem(
      await post('/v1/messages', { upload_id: upload.upload_id }, device, { 'idempotency-key': 'other' }),
      404,
      'upload_unknown',
    );
    await submissionIn(broker, device, first.body.submission_id, 'sent');
    assert.equal((await arrived(broker)).filter(({ raw }) => raw.includes('<repeated@')).length, 1);
  });

  test('go to the slot and the recipients that the request names', async () => {
    await bind(broker, device.clientId, 'alerts', bound.mailboxId);
    for (const envelope_to of ['eve@example.org, dan@example.org', ['eve@example.org', 'dan@example.org']]) {
      const { body } = await handIn(await uploaded(scan(2000, 'slot')), { slot: 'alerts', envelope_to });
      await submissionIn(broker, device, body.submission_id, 'sent');
      const { submissions } = (await broker.administer('GET', '/submissions')) as { submissions: readonly Json[] };
      const found = submissions.find(({ submission_id }) => submission_id === body.submission_id);
      assert.deepEqual([found?.slot, found?.recipients], ['alerts', ['eve@example.org', 'dan@example.org']]);
    }
    assertProblem(await handIn(await uploaded(scan(2000, 'x')), { slot: 'fax' }), 409, 'slot_not_bound');
    assertProblem(await handIn(await uploaded(scan(2000, 'x')), { slot: 'kitchen' }), 400, 'invalid_request');
    assertProblem(await handIn(await uploaded(Buffer.from('%PDF-1.7 no mail'))), 422, 'not_a_message');
  });

  test('belong to the device that asked for them', async () => {
    const other = await newDevice(broker, bound.organizationId);
    await bind(broker, other.clientId, 'scan', bound.mailboxId);
    const upload = await uploaded(scan(2000, 'own'));
    assertProblem(await handIn(upload, {}, other), 404, 'upload_unknown');
    for (const upload_id of ['upl_none', '../../config', 'x'.repeat(64)]) {
      assertProblem(await handIn({ upload_id }), 404, 'upload_unknown');
    }
    const { url } = upload;
    for (const wrong of [`${url}x`, String(url).split('?')[0], `${broker.url}/v1/uploads/upl_none?key=x`]) {
      assertProblem(await put({ ...upload, url: wrong }, scan(2000, 'own')), 404, 'upload_unknown');
    }
    assertProblem(await call(String(url)), 405, 'method_not_allowed');
    assert.equal((await handIn(upload)).status, 202);
  });

  test('that nobody hands in are removed after a day', async () => {
    await uploaded(scan(2000, 'forgotten'));
    const [file = ''] = await uploadFiles();
    const path = join(broker.folder, 'blobs', 'uploads', file);
    const aDayAgo = (olderBySeconds: number) => new Date(Date.now() - (86_400 + olderBySeconds) * 1000);
    await utimes(path, aDayAgo(-60), aDayAgo(-60));
    await new Promise((resolve) => setTimeout(resolve, 6000));
    assert.ok((await readFile(path)).length > 0, 'not before that');
    await utimes(path, aDayAgo(1), aDayAgo(1));
    await eventually('the file is gone', async () => ((await uploadFiles()).includes(file) ? undefined : true));
  });

  test('show their links to nobody else', async () => {
    const { url } = await begun(scan(2000, 'secret'));
    const secret = new URL(String(url)).searchParams.get('key') ?? '';
    assert.ok(secret.length > 40);
    const stored = await readFile(join(broker.folder, 'broker.sqlite')).catch(() => Buffer.alloc(0));
    assert.ok(!stored.includes(secret) && !broker.output().includes(secret));
  });
});
