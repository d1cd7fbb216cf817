import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { OPERATOR_RETRY_SECONDS } from '../../../shared/domain/timing.ts';
import { type Cloud, startCloud } from './cloud.ts';
import { furnishOffice, type Office } from './office.ts';

/** How long a process may go on with the configuration it has read. */
const READ_EVERY_SECONDS = 300;

describe('a change of the provider configuration', () => {
  let cloud: Cloud;
  let office: Office;
  before(async () => {
    cloud = await startCloud({ movesClock: true });
    office = await furnishOffice(cloud);
  });
  after(() => cloud.close());

  /** Microsoft's client at the moment the browser is sent there. */
  const clientOfSignIn = async (): Promise<string | null> => {
    const { url } = await office.admin('POST', `/mailboxes/${office.mailboxId}/sign-ins`, {});
    const { headers } = await fetch(String(url), { redirect: 'manual' });
    return new URL(headers.get('location') ?? '').searchParams.get('client_id');
  };
  const change = (entry: { readonly client_id?: string; readonly client_secret?: string }) =>
    cloud.configure(({ providers }) => ({
      providers: { ...providers, microsoft: { ...providers.microsoft, ...entry } },
    }));

  it('reaches processes that run already, so that a client secret that was mended heals by itself', async () => {
    const [worker, signIn] = [cloud.functionOf('refresh-grants/worker'), cloud.functionOf('sign-in')];
    await office.letAccessTokenExpire();
    assert.equal((await office.fetchToken()).status, 200);
    const starts = [worker.coldStarts(), signIn.coldStarts()];

    await change({ client_secret: 'made-up-and-wrong' });
    await cloud.moveClock(READ_EVERY_SECONDS);
    await office.letAccessTokenExpire();
    assert.equal((await office.fetchToken()).status, 503, 'the registration is refused now');

    await change({ client_secret: 'stand-in-client-secret' });
    await cloud.moveClock(READ_EVERY_SECONDS + Math.max(READ_EVERY_SECONDS, OPERATOR_RETRY_SECONDS) + 5);
    assert.equal((await office.fetchToken()).status, 200);
    assert.deepEqual([worker.coldStarts(), signIn.coldStarts()], starts);
    assert.doesNotMatch(cloud.logs(), /made-up-and-wrong|stand-in-client-secret/);
  });

  it('reaches sign-ins too', async () => {
    const starts = cloud.functionOf('sign-in').coldStarts();
    await change({ client_id: 'another-client' });
    await cloud.moveClock(3 * READ_EVERY_SECONDS);
    assert.equal(await clientOfSignIn(), 'another-client');
    assert.equal(cloud.functionOf('sign-in').coldStarts(), starts);
  });

  it('asks for no right that the functions do not have', () => {
    assert.deepEqual(cloud.denied(), []);
  });
});
