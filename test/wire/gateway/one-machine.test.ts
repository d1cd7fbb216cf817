import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createTransport } from 'nodemailer';
import { arrived, eventually, signedInDevice, submissionIn, type WireBroker, wireBroker } from '../support.ts';

describe('npm start', () => {
  let broker: WireBroker;

  before(async () => {
    broker = await wireBroker({ BROKER_GATEWAY: 'on' });
  });
  after(() => broker.close());

  it('runs a gateway too, which serves the devices of every organization', async () => {
    const { smtp = '' } = broker.ready;
    for (const provider of ['microsoft', 'google'] as const) {
      const { device, address } = await signedInDevice(broker, provider);
      const url = new URL(smtp);
      url.username = device.clientId;
      url.password = device.clientSecret;
      const transport = createTransport({ url: url.href, tls: { rejectUnauthorized: false } });
      const { response } = await transport.sendMail({ from: address, to: 'ann@example.org', subject: provider });
      transport.close();
      await submissionIn(broker, device, response.split(' ').at(-1), 'sent');
      await eventually(`the mail of ${provider} arrives`, async () =>
        (await arrived(broker)).find(({ raw }) => raw.includes(`Subject: ${provider}`)),
      );
    }
  });

  it('keeps what was accepted, over a restart', async () => {
    const { device, address } = await signedInDevice(broker, 'microsoft');
    const url = new URL(broker.ready.smtp ?? '');
    const transport = createTransport({
      host: url.hostname,
      port: Number(url.port),
      auth: { user: device.clientId, pass: device.clientSecret },
      ignoreTLS: true,
    });
    const { response } = await transport.sendMail({ from: address, to: 'ann@example.org', subject: 'Kept' });
    transport.close();
    await broker.kill();
    await broker.start();
    assert.match(response, /^250 /);
    await eventually('it arrives', async () =>
      (await arrived(broker)).find(({ raw }) => raw.includes('Subject: Kept')),
    );
  });
});
