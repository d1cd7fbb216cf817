import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { signInApp } from '../../functions/sign-in/app.ts';
import { brokerApp } from '../../shared/adapters/http/app.ts';
import { memoryLog } from '../fakes/memory-log.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import { makeWorld, openOffice, PUBLIC_URL, startProcess, value } from './support.ts';

describe('brokerApp', () => {
  for (const errorShape of ['oauth', 'problem'] as const) {
    it(`answers what was thrown with 500 and none of its text, which the log has (${errorShape})`, async () => {
      const log = memoryLog();
      const app = brokerApp({ errorShape, log, random: seededRandom('requests') });
      app.get('/broken', () => {
        throw new Error('the made-up bug');
      });
      const reply = await app.request('/broken');
      const text = await reply.text();
      assert.equal(reply.status, 500);
      assert.doesNotMatch(text + JSON.stringify([...reply.headers]), /made-up|broker-app\.test/);

      const requestId = reply.headers.get('x-request-id');
      assert.match(requestId ?? '', /^req_\w{16}$/);
      assert.equal(JSON.parse(text).request_id, requestId);
      assert.equal(log.lines.length, 1);
      const [line] = log.of('request.crashed');
      const { error, ...fields } = line?.fields ?? {};
      assert.equal(line?.level, 'error');
      assert.deepEqual(fields, { method: 'GET', path: '/broken', kind: 'internal' });
      assert.match(String(error), /^Error: the made-up bug\n\s+at .*broker-app\.test\.ts/);
    });
  }
});

describe('signInApp', () => {
  const cookieUnder = async (publicUrl: string): Promise<string | null> => {
    const process = startProcess(makeWorld());
    const { mailbox } = await openOffice(process);
    const { id } = value(await process.administration.mailboxes.beginSignIn(mailbox.id));
    const reply = await signInApp({ ...process, publicUrl }).request(`/sign-in/${id}`);
    assert.equal(reply.status, 302);
    return reply.headers.get('set-cookie');
  };

  it('sends its cookie by HTTPS alone where there is HTTPS, and never to scripts or from other sites', async () => {
    const secret = /^sign_in_\w+=[\w-]{40,}; Max-Age=\d+; Path=\/oauth\/callback/.source;
    assert.match((await cookieUnder(PUBLIC_URL)) ?? '', new RegExp(`${secret}; HttpOnly; Secure; SameSite=Lax$`));
    assert.match((await cookieUnder('http://localhost:8787')) ?? '', new RegExp(`${secret}; HttpOnly; SameSite=Lax$`));
  });
});
