import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startBroker } from '../../local/demo/broker-process.ts';
import { fetchToken, freePort, signedInDevice, wireBroker } from './support.ts';

const PORTS = {
  BROKER_PORT: '0',
  STAND_IN_PORT: '0',
  STAND_IN_SMTP_PORT: '0',
  STAND_IN_POP_PORT: '0',
  STAND_IN_IMAP_PORT: '0',
};

describe('the start', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'token-broker-start-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const refused = async (env: Readonly<Record<string, string>>): Promise<string> => {
    const message = await startBroker({ ...PORTS, ...env }).then(
      async (broker) => {
        await broker.kill();
        throw new assert.AssertionError({ message: 'it started' });
      },
      (error: Error) => error.message,
    );
    assert.match(message, /ended with 1 before it was ready/);
    assert.doesNotMatch(message, /\n\s+at /, 'one sentence, no stack');
    return message;
  };

  it('is refused with an empty admin key, which would let in everybody', async () => {
    await writeFile(join(folder, 'admin-key'), '\n');
    assert.match(await refused({ BROKER_DATA_DIR: folder }), /error: .*admin-key holds no admin key\./);
    await rm(join(folder, 'admin-key'));
  });

  it('is refused where the data folder is a file', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    assert.match(await refused({ BROKER_DATA_DIR: file }), /error: BROKER_DATA_DIR: .* cannot be made a folder/);
  });

  it('is refused on an address that this machine does not have', async () => {
    const message = await refused({ BROKER_DATA_DIR: folder, BROKER_HOST: '192.0.2.1' });
    assert.match(message, /error: Cannot listen on 192\.0\.2\.1, port 0: EADDRNOTAVAIL; check BROKER_HOST/);
  });

  it('is refused on the folder of a broker that runs, and not once that was killed', async () => {
    const env = { ...PORTS, BROKER_DATA_DIR: join(folder, 'shared') };
    const first = await startBroker(env);
    try {
      assert.match(await refused({ BROKER_DATA_DIR: join(folder, 'shared') }), /error: Another broker is running on /);
    } finally {
      await first.kill();
    }
    const second = await startBroker(env);
    assert.equal(await second.stop(), 0);
  });
});

describe('the stop', () => {
  it('lets a refresh in hand finish, so that its rotated token is not lost', async () => {
    const broker = await wireBroker({
      BROKER_PORT: await freePort(),
      STAND_IN_PORT: await freePort(),
      STAND_IN_SMTP_PORT: await freePort(),
    });
    try {
      const { device } = await signedInDevice(broker, 'microsoft');
      await broker.control('POST', 'microsoft/rotation', { rotation: 'strict' });
      await broker.control('POST', 'microsoft/faults', {
        place: 'token',
        fault: { kind: 'delay', milliseconds: 1500 },
      });
      const waiting = fetchToken(broker, device, '?min_ttl=86400');
      await new Promise((resolve) => setTimeout(resolve, 500));
      await broker.stop();
      assert.equal((await waiting).status, 200);
      await broker.start();
      assert.equal((await fetchToken(broker, device, '?min_ttl=86400')).status, 200);
    } finally {
      await broker.close();
    }
  });
});
