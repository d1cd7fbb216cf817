import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createTransport } from 'nodemailer';
import { arrived, eventually } from '../support.ts';
import { type GatewayOffice, gatewayOffice, listed } from './office.ts';

describe('an old device behind a gateway', () => {
  let office: GatewayOffice;

  before(async () => {
    office = await gatewayOffice();
  });
  after(() => office.close());

  it('sends a scan with nothing but its user name and password, and the console shows what became of it', async () => {
    const { clientId, clientSecret } = office.device;
    const transport = createTransport({
      host: '127.0.0.1',
      port: office.ports.smtp,
      auth: { user: clientId.toUpperCase(), pass: clientSecret },
      ignoreTLS: true,
    });
    const message = { from: office.address, to: 'ann@example.org', subject: 'Scan', text: 'See attachment.' };
    const { response } = await transport.sendMail(message);
    transport.close();
    assert.match(response, /^250 2\.0\.0 Accepted sub_/);
    const id = response.split(' ').at(-1);
    const mails = await eventually('the scan arrives', async () => {
      const found = await arrived(office.broker);
      return found.length > 0 ? found : undefined;
    });
    assert.equal(mails.length, 1);
    assert.match(mails[0]?.raw ?? '', /^Subject: Scan\r$/m);
    assert.equal(mails[0]?.envelope_from, office.address);
    const [submission] = await listed(office, 'it is listed as sent', ([one]) => one?.state === 'sent');
    assert.equal(submission?.submission_id, id);
    assert.equal(submission?.client_id, clientId);
    assert.equal(submission?.gateway_id, office.gateway.ready.client_id);
  });
});
