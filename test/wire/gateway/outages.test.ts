import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ErrorKind } from '../../../shared/domain/errors.ts';
import type { ProxyFault, ProxyStep } from '../../fakes/fault-proxy.ts';
import { eventually, type Json } from '../support.ts';
import { type Site, type SiteDevice, startSite } from './site.ts';
import { arrives, type SiteGateway, shownAs, signInAgain, startSiteGateway, withinSeconds } from './site-gateway.ts';

interface Row {
  readonly name: string;
  readonly at: ProxyStep;
  readonly fault: ProxyFault;
  /** How the console shows the message after the fault; it is sent in the end, unless it has failed. */
  readonly becomes: 'deferred' | 'held' | 'failed' | 'sent';
  readonly reason?: ErrorKind;
  readonly unknown?: 1;
  /** How often it arrives in the end. */
  readonly arrives?: number;
  /** Each time it is tried. */
  readonly isLasting?: true;
}

const reply = (text: string): ProxyFault => ({ kind: 'reply', text });
const drop = (side: 'before' | 'after'): ProxyFault => ({ kind: 'drop', side });

const DENIED = '554 5.2.252 SendAsDenied; scan@contoso.example not allowed to send as ceo@contoso.example';
const SWITCHED_OFF = '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.';

/** What a provider's server does to one of a mailbox's messages; `relay-faults.test.ts` goes through all of it. */
const ROWS: readonly Row[] = [
  { name: 'closing', at: 'AUTH', fault: reply('421 4.3.2 Service not available'), becomes: 'deferred' },
  { name: 'busy', at: '.', fault: reply('451 4.7.500 Server busy. Please try again later'), becomes: 'deferred' },
  { name: 'full', at: '.', fault: reply('452 4.3.1 Insufficient system storage'), becomes: 'deferred' },
  { name: 'threads', at: 'MAIL', fault: reply('432 4.3.2 sender thread limit exceeded'), becomes: 'deferred' },
  { name: 'later', at: 'RCPT', fault: reply('450 4.2.1 Later'), becomes: 'deferred' },
  { name: 'lost-end', at: '.', fault: drop('before'), becomes: 'deferred', unknown: 1 },
  { name: 'lost-reply', at: '.', fault: drop('after'), becomes: 'deferred', unknown: 1, arrives: 2 },
  {
    ...{ name: 'no-such-user', at: 'RCPT', fault: reply('550 5.1.1 No such user') },
    ...{ becomes: 'failed', reason: 'invalid_recipient' },
  },
  { name: 'denied', at: 'DATA', fault: reply(DENIED), becomes: 'failed', reason: 'sender_not_allowed' },
  {
    ...{ name: 'policy', at: 'AUTH', fault: reply('535 5.7.139 the request did not meet the criteria') },
    ...{ becomes: 'held', reason: 'conditional_access' },
  },
  { name: 'switched-off', at: 'AUTH', fault: reply(SWITCHED_OFF), becomes: 'sent', isLasting: true },
];

/** Most of it is waiting; but a small machine signs in no more mailboxes at once. */
const AT_ONCE = 5;

let site: Site;
let gateway: SiteGateway;

before(async () => {
  site = await startSite();
  gateway = await startSiteGateway(site, 'gateway', { isQuick: true });
});
after(async () => {
  await gateway?.close();
  await site?.close();
});

describe('mail at a gateway', { concurrency: AT_ONCE }, () => {
  describe('over a faulty line to a provider', { concurrency: AT_ONCE }, () => {
    for (const row of ROWS) {
      const { name, at, fault, becomes, reason, unknown, arrives: times = 1, isLasting } = row;
      it(`is ${becomes}: ${name}, at ${at}`, async () => {
        const device = await site.addDevice(name);
        const repeats = isLasting ? { times: Number.POSITIVE_INFINITY } : {};
        const set = site.line.at(at, fault, { user: device.from, ...repeats });
        const id = await gateway.accept(device, name);
        const shown = await shownAs(site, id, becomes);
        assert.ok(set.strikes() >= 1);
        const expected = reason ?? (becomes === 'sent' ? undefined : 'mail_server_unavailable');
        assert.deepEqual([shown.reason, shown.unknown_outcomes], [expected, unknown ?? 0], JSON.stringify(shown));
        assert.equal(shown.gateway_id, gateway.process.ready.client_id);
        if (becomes === 'failed') {
          assert.deepEqual(await site.copies((subject) => subject === name), []);
          return;
        }
        if (becomes === 'held') await signInAgain(site, device);
        const copies = await arrives(site, name, times);
        assert.equal(new Set(copies.map(({ messageId }) => messageId)).size, 1, 'another Message-ID');
        const { sent_by } = await shownAs(site, id, 'sent');
        assert.equal(sent_by, name === 'switched-off' ? 'api' : 'smtp');
        assert.equal((await site.copies((subject) => subject === name)).length, times);
      });
    }
  });

  it('goes out as the mailbox itself, where that is wished for and another sender is not let through', async () => {
    const device = await site.addDevice('rewritten');
    await site.broker.administer('PATCH', `/devices/${device.clientId}`, { rewrite_sender: true });
    site.line.at('MAIL', reply(DENIED), { user: device.from });
    const id = await gateway.accept(device, 'rewritten');
    const { sender_rewritten } = await shownAs(site, id, 'sent');
    assert.equal(sender_rewritten, true);
    await arrives(site, 'rewritten');
  });

  it('reaches those who were not refused, and the console tells who was', async () => {
    const device = await site.addDevice('partly');
    site.line.at('RCPT', reply('550 5.1.1 No such user'), { user: device.from });
    const id = await gateway.accept(device, 'partly', { to: ['ann@example.org', 'bob@example.org'] });
    const { rejected_recipients } = await shownAs(site, id, 'sent');
    assert.deepEqual(
      (rejected_recipients as readonly Json[]).map(({ address }) => address),
      ['ann@example.org'],
    );
    await arrives(site, 'partly');
  });

  it('waits for a lapsed sign-in, where everybody can see it, and goes out soon after the next one', async () => {
    const device = await site.addDevice('lapsing');
    // It is known here, and its token is not.
    assert.match(await gateway.signIn(device), /^235 /);
    site.world.standIns.identity.microsoft?.revokeAccount(device.from);
    await site.broker.admin('POST', `/mailboxes/${device.mailboxId}/refresh`);
    const id = await gateway.accept(device, 'lapsed');
    const held = await shownAs(site, id, 'held');
    assert.equal(held.reason, 'sign_in_lapsed', JSON.stringify(held));
    const page = await gateway.page();
    assert.ok(page.includes(id) && page.includes('Sign the mailbox in again'));
    await signInAgain(site, device);
    await arrives(site, 'lapsed', 1, withinSeconds(60));
    await shownAs(site, id, 'sent');
    const { body } = await site.broker.admin('GET', `/mailboxes/${device.mailboxId}`);
    assert.equal(body.token_status, 'acquired');
  });

  it('is not sent by a mailbox that was removed, and the status page says what there is to do', async () => {
    const device = await site.addDevice('removed');
    site.line.at('MAIL', reply('432 4.3.2 sender thread limit exceeded'), { user: device.from });
    const id = await gateway.accept(device, 'removed');
    await shownAs(site, id, 'deferred');
    await site.broker.administer('DELETE', `/devices/${device.clientId}/bindings/scan`);
    await site.broker.administer('DELETE', `/mailboxes/${device.mailboxId}`);
    const { reason } = await shownAs(site, id, 'held');
    assert.equal(reason, 'slot_not_bound');
    assert.ok((await gateway.page()).includes(id));
    assert.deepEqual(await site.copies((subject) => subject === 'removed'), []);
  });

  describe('of a device that', { concurrency: true }, () => {
    const refusedSoon = async (device: SiteDevice): Promise<void> => {
      const answer = await eventually(
        'it is refused',
        async () => {
          const said = await gateway.signIn(device);
          return said.startsWith('235 ') ? undefined : said;
        },
        withinSeconds(60),
      );
      assert.match(answer, /^535 5\.7\.8 /);
    };

    it('was disabled is refused within a minute', async () => {
      const device = await site.addDevice('disabled');
      assert.match(await gateway.signIn(device), /^235 /);
      await site.broker.administer('PATCH', `/devices/${device.clientId}`, { enabled: false });
      await refusedSoon(device);
    });

    it('has got another secret is refused with the former one within a minute, and let in with the new', async () => {
      const device = await site.addDevice('rotated');
      assert.match(await gateway.signIn(device), /^235 /);
      const secret = `/devices/${device.clientId}/secret`;
      const { client_secret } = await site.broker.administer('POST', secret, { grace_period: 0 });
      assert.match(await gateway.signIn({ ...device, clientSecret: String(client_secret) }), /^235 /);
      await refusedSoon(device);
    });
  });
});

describe('a gateway whose provider is down', () => {
  it('keeps the mail, asks once for all of it, and sends it in order once the provider is back', async () => {
    const device = await site.addDevice('down');
    const before = site.line.connections();
    const down = site.line.at('connect', drop('before'), { times: Number.POSITIVE_INFINITY });
    const subjects = ['down-1', 'down-2', 'down-3'];
    const ids: string[] = [];
    for (const subject of subjects) ids.push(await gateway.accept(device, subject));
    for (const id of ids) assert.equal((await shownAs(site, id, 'deferred')).reason, 'mail_server_unavailable');
    const tries = [down.strikes(), site.line.connections() - before];
    assert.ok(Math.max(...tries) <= 2, `${tries} connections`);
    site.line.clear();
    await arrives(site, 'down-3');
    const copies = await site.copies((subject) => subjects.includes(subject));
    assert.deepEqual(
      copies.map(({ subject }) => subject),
      subjects,
    );
  });
});
