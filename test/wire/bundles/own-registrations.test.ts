import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { makePerson } from '../../../local/demo/person.ts';
import { type Cloud, type ProviderDocument, startCloud } from './cloud.ts';
import { furnishOffice, type Office } from './office.ts';
import { SCHEDULE_EVENT } from './schedule-event.ts';

/** How long a process may go on with the configuration it has read. */
const READ_EVERY_SECONDS = 300;

const HOUR = 3600;

describe('the built functions, of a registration that an organization has brought', () => {
  let cloud: Cloud;
  let office: Office;
  let organizationId: string;
  let aheadSeconds = 0;

  before(async () => {
    cloud = await startCloud({ movesClock: true });
    office = await furnishOffice(cloud);
    organizationId = String((await office.admin('GET', `/mailboxes/${office.mailboxId}`)).organization_id);
  });
  after(() => cloud.close());

  const letPass = async (seconds: number) => {
    aheadSeconds += seconds;
    await cloud.moveClock(aheadSeconds);
  };

  /** The stand-in knows one client, so the organization brings the same: here it matters by whom it is entered. */
  const bring = () =>
    cloud.configure(({ providers }: ProviderDocument) => {
      const fields = Object.entries(providers.microsoft).filter(([name]) => !/^(smtp|pop|imap|api)$/.test(name));
      const microsoft = Object.fromEntries(fields) as typeof providers.microsoft;
      return { providers, organizations: { [organizationId]: { providers: { microsoft } } } };
    });
  const takeAway = () => cloud.configure(({ providers }) => ({ providers }));

  const maintain = async () => {
    await office.letKeepAliveFallDue();
    await cloud.functionOf('refresh-grants/sweep').invoke(SCHEDULE_EVENT);
    assert.equal(await cloud.grantSource.drain(), 1);
  };

  const owners = async () => {
    const { app_registrations } = await office.admin('GET', '/app-registrations');
    return (app_registrations as { organization_id: string | null }[]).map(({ organization_id }) => organization_id);
  };

  it('take it up while they run, sign in with it, sweep, refresh and list it', async () => {
    await maintain();
    assert.deepEqual(await owners(), [null, null]);
    const [signIn, worker] = [cloud.functionOf('sign-in'), cloud.functionOf('refresh-grants/worker')];
    const starts = () => [signIn.coldStarts(), worker.coldStarts()];
    const before = starts();
    await bring();
    await letPass(READ_EVERY_SECONDS);
    const { url } = await office.admin('POST', `/mailboxes/${office.mailboxId}/sign-ins`, {});
    const end = await makePerson().signIn(String(url), { username: office.address, stopAt: 'none' });
    assert.match(end.body, /data-result="completed"/);
    const { registration, dueShard } = await office.grant();
    assert.equal(registration, 'own');
    assert.match(String(dueShard), /^grant-own#/);
    await letPass(HOUR);
    await maintain();
    assert.equal((await office.fetchToken()).status, 200);
    assert.deepEqual(await owners(), [null, null, organizationId]);
    assert.deepEqual(starts(), before);
  });

  it('end no sign-in when it is taken away, and go on when it is there again', async () => {
    await takeAway();
    await letPass(HOUR);
    await maintain();
    await office.letAccessTokenExpire();
    assert.equal((await office.fetchToken()).status, 503);
    assert.equal((await office.grant()).state, 'active');
    assert.deepEqual(await owners(), [null, null]);
    await bring();
    await letPass(HOUR);
    await maintain();
    assert.equal((await office.fetchToken()).status, 200);
  });

  it('ask for no right that they do not have', () => {
    assert.deepEqual(cloud.denied(), []);
  });
});
