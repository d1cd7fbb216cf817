import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { httpWebhookSender } from '../../shared/adapters/webhook/http-webhook-sender.ts';
import type { WebhookPost } from '../../shared/ports/webhook-sender.ts';
import { eventually, freePort } from './support.ts';

const PAGE = readFileSync(new URL('../../docs/notifications.md', import.meta.url), 'utf8');
const [SECRET = '', OTHER = ''] = [1, 2].map((byte) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`);

const SAMPLES = [
  { name: 'Node', language: 'js', file: 'receiver.mjs', program: process.execPath },
  { name: 'Python', language: 'python', file: 'receiver.py', program: 'python3' },
] as const;

const blockOf = (language: string): string =>
  new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(PAGE)?.[1] ?? '';

const isMissing = (program: string): boolean => spawnSync(program, ['--version']).status !== 0;

const listens = (port: string): Promise<true | undefined> =>
  new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(undefined));
  });

for (const { name, language, file, program } of SAMPLES) {
  describe(`the receiver in ${name} of docs/notifications.md`, {
    skip: isMissing(program) ? `${program} is not to be had` : false,
  }, () => {
    const sender = httpWebhookSender({ allowsPrivate: true });
    let folder: string;
    let port: string;
    let receiver: ChildProcess;
    let said = '';

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'token-broker-receiver-'));
      await writeFile(join(folder, file), blockOf(language));
      port = await freePort();
      const { PATH = '', HOME = '' } = process.env;
      const env = { PATH, HOME, PORT: port, WEBHOOK_SECRET: SECRET };
      receiver = spawn(program, [join(folder, file)], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [receiver.stdout, receiver.stderr]) {
        stream?.on('data', (chunk) => {
          said += chunk;
        });
      }
      await eventually(`${name} listens: ${said}`, () => listens(port));
    });
    after(async () => {
      receiver?.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    });

    const post = (changes: Partial<WebhookPost> = {}) => {
      const data = { phase: 'raised', message: 'Zażółć' };
      const body = JSON.stringify({ type: 'grant.invalid', timestamp: '2027-01-15T08:00:00Z', data });
      const timestamp = Math.floor(Date.now() / 1000);
      return sender.post({
        ...{ url: `http://127.0.0.1:${port}/`, id: 'evt_1', timestamp, body, secrets: [SECRET] },
        ...changes,
      });
    };
    const refused = { outcome: 'failed', problem: 'The receiver answered with status 401.' };

    it('takes what the broker has signed', async () => {
      assert.deepEqual(await post(), { outcome: 'delivered' });
      await eventually(`it says what happened: ${said}`, () =>
        /grant\.invalid.*raised.*Zażółć/.test(said) ? true : undefined,
      );
    });

    it('takes what is signed by two secrets, of which it knows one', async () => {
      assert.deepEqual(await post({ secrets: [OTHER, SECRET] }), { outcome: 'delivered' });
      assert.deepEqual(await post({ secrets: [SECRET, OTHER] }), { outcome: 'delivered' });
    });

    it('refuses what another has signed, nobody has, or is old', async () => {
      assert.deepEqual(await post({ secrets: [OTHER] }), refused);
      assert.deepEqual(await post({ secrets: [] }), refused);
      assert.deepEqual(await post({ timestamp: Math.floor(Date.now() / 1000) - 600 }), refused);
      const unsigned = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' });
      assert.equal(unsigned.status, 401);
    });
  });
}
