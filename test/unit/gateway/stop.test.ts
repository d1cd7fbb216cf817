import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTransport } from 'nodemailer';
import { startGateway } from '../../../gateway/gateway.ts';
import { readGatewaySettings } from '../../../gateway/settings.ts';
import { systemClock as clock } from '../../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../../shared/adapters/system/system-random.ts';
import { brokerError } from '../../../shared/domain/errors.ts';
import { fail, ok } from '../../../shared/domain/result.ts';
import type { GatewayLink } from '../../../shared/ports/gateway-link.ts';
import { makeGate } from '../../fakes/gate.ts';
import { servedDevice } from '../../fakes/gateway.ts';
import { memoryLog } from '../../fakes/memory-log.ts';
import { scratchFolder } from './spool-world.ts';

const DEVICE = servedDevice('abcd1234');

const SETTINGS = {
  way: 'relay',
  name: 'localhost',
  listeners: [{ protocol: 'smtp', port: 0, security: 'plain' }],
  listed_devices: [{ network: '127.0.0.1', client_id: DEVICE.clientId, client_secret: 'made-up-secret' }],
};

it('begins no message while a slow device keeps it from stopping', async (t) => {
  const passed: string[] = [];
  const gate = makeGate();
  const none = async () => fail(brokerError('broker_unreachable'));
  const link: GatewayLink = {
    admit: async () => ok(DEVICE),
    token: none,
    pace: none,
    report: async () => ok({ signedInAt: {} }),
    async pass({ id }) {
      passed.push(id);
      await gate.pass();
      return ok({ submissionId: id });
    },
  };
  const gateway = await startGateway({
    settings: readGatewaySettings({ GATEWAY_CONFIG: JSON.stringify(SETTINGS) }, { host: '127.0.0.1' }),
    folder: await scratchFolder(t),
    link,
    brokerUrl: 'https://broker.example',
    ca: () => undefined,
    connect: () => Promise.reject(new Error('nobody is to be connected to')),
    version: '0',
    clock,
    random,
    log: memoryLog(),
  });
  const port = gateway.listeners()[0]?.port ?? 0;
  gate.close();
  const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true });
  const mail = { from: 'scan@office.example', to: 'ann@office.example', subject: 'Scan', text: 'See below.' };
  for (let count = 0; count < 3; count++) await transport.sendMail(mail);
  transport.close();

  const slow = connect(port, '127.0.0.1').setEncoding('latin1');
  for (const line of ['EHLO printer', 'MAIL FROM:<scan@office.example>', 'RCPT TO:<ann@office.example>', 'DATA']) {
    await once(slow, 'data');
    slow.write(`${line}\r\n`);
  }
  const [begin] = (await once(slow, 'data')) as [string];
  assert.match(begin, /^354 /);

  const stopped = gateway.stop();
  gate.open();
  // Long enough for what is passed in no time.
  await sleep(300);
  assert.equal(passed.length, 1);
  slow.write('From: scan@office.example\r\nSubject: Slow\r\n\r\nSee below.\r\n.\r\n');
  const [reply] = (await once(slow, 'data')) as [string];
  assert.match(reply, /^250 /, 'what comes in meanwhile waits for the next start');
  await stopped;
  assert.equal(passed.length, 1);
});
