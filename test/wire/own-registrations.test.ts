import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { PROVIDERS, type ProviderName } from '../../shared/domain/provider.ts';
import { startForeignOAuth } from '../fakes/foreign-oauth.ts';
import { type Bound, boundDevice, call, fetchToken, signIn, type WireBroker, wireBroker } from './support.ts';

const BROKERS = { clientId: 'the-broker', clientSecret: 'a-secret-of-the-broker' };
const CONTOSOS = { clientId: 'app-of-contoso', clientSecret: 'a-secret-of-contoso' };

/** Both organizations scan as the same account, so that nothing but the client tells them apart. */
const ADDRESS = 'mfp@firm.example';

type Server = Awaited<ReturnType<typeof startForeignOAuth>>;

for (const provider of PROVIDERS) {
  describe(`an organization with an app registration of its own, at ${provider}`, () => {
    let folder: string;
    let server: Server;
    let broker: WireBroker;
    let contoso: Bound;
    let fabrikam: Bound;

    const entry = ({ clientId, clientSecret }: typeof BROKERS) => ({
      client_id: clientId,
      client_secret: clientSecret,
      endpoints: server.endpoints,
    });

    /** As an operator does on one machine: changes the file, and restarts. */
    const configure = async (own: Readonly<Partial<Record<ProviderName, object>>> | undefined): Promise<void> => {
      const organizations = own && { [contoso.organizationId]: { providers: own } };
      const document = { providers: { [provider]: entry(BROKERS) }, organizations };
      await writeFile(join(folder, 'broker.json'), JSON.stringify(document));
      await broker.stop();
      await broker.start();
    };

    /** The clients that the server's two endpoints saw meanwhile. */
    const clientsDuring = async (work: () => Promise<unknown>) => {
      const [departed, asked] = [server.authorizations().length, server.forms().length];
      await work();
      const idOf = (fields: URLSearchParams) => fields.get('client_id');
      return {
        authorize: new Set(server.authorizations().slice(departed).map(idOf)),
        token: new Set(server.forms().slice(asked).map(idOf)),
      };
    };
    const only = (clientId: string) => ({ authorize: new Set([clientId]), token: new Set([clientId]) });

    const signInAll = async ({ mailboxId }: Bound): Promise<void> => {
      const { body } = await signIn(broker, mailboxId, { username: '' });
      assert.match(body, /data-result="completed"/, body + broker.output());
    };
    const refresh = ({ mailboxId }: Bound) => broker.admin('POST', `/mailboxes/${mailboxId}/refresh`);

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'token-broker-own-'));
      server = await startForeignOAuth({
        ...BROKERS,
        otherClients: { [CONTOSOS.clientId]: CONTOSOS.clientSecret },
        ...{ address: ADDRESS, accessTokenSeconds: 3600 },
      });
      const file = join(folder, 'broker.json');
      await writeFile(file, JSON.stringify({ providers: { [provider]: entry(BROKERS) } }));
      broker = await wireBroker({ BROKER_CONFIG: file });
      contoso = await boundDevice(broker, provider, ADDRESS);
      fabrikam = await boundDevice(broker, provider, ADDRESS);
      await configure({ [provider]: entry(CONTOSOS) });
    });
    after(async () => {
      await broker?.close();
      await server?.close();
      await rm(folder, { recursive: true, force: true });
    });

    it('is signed in and refreshed as that client, and the other organization as the broker’s', async () => {
      assert.deepEqual(await clientsDuring(() => signInAll(contoso)), only(CONTOSOS.clientId));
      assert.deepEqual(await clientsDuring(() => signInAll(fabrikam)), only(BROKERS.clientId));
      for (const [office, { clientId }] of [
        [contoso, CONTOSOS],
        [fabrikam, BROKERS],
      ] as const) {
        const { authorize, token } = await clientsDuring(async () => {
          assert.equal((await refresh(office)).status, 200);
          assert.equal((await fetchToken(broker, office.device)).status, 200);
        });
        assert.deepEqual([authorize, token], [new Set(), new Set([clientId])]);
      }
      const whose = async ({ mailboxId }: Bound) =>
        (await broker.administer('GET', `/mailboxes/${mailboxId}`)).app_registration;
      assert.deepEqual([await whose(contoso), await whose(fabrikam)], ['organization', 'broker']);
      assert.deepEqual(server.faults(), []);
    });

    it('is listed for the operator, and for its own administrator alone', async () => {
      const list = async (key?: unknown) => {
        const { body } =
          key === undefined
            ? await broker.admin('GET', '/app-registrations')
            : await call(`${broker.url}/v1/admin/app-registrations`, { headers: { authorization: `Bearer ${key}` } });
        const found = body.app_registrations as { provider: string; organization_id: string; client_id: string }[];
        return found
          .filter((one) => one.provider === provider)
          .map(({ organization_id, client_id }) => [organization_id, client_id]);
      };
      const keyOf = async ({ organizationId }: Bound) =>
        (await broker.administer('POST', '/keys', { name: 'Anna', organization_id: organizationId })).admin_key;
      const ofContoso = [contoso.organizationId, CONTOSOS.clientId];
      assert.deepEqual(await list(), [[null, BROKERS.clientId], ofContoso]);
      assert.deepEqual(await list(await keyOf(contoso)), [ofContoso]);
      assert.deepEqual(await list(await keyOf(fabrikam)), []);
    });

    it('waits alone while its client secret is refused', async () => {
      await configure({ [provider]: entry({ ...CONTOSOS, clientSecret: 'a-wrong-secret' }) });
      assert.deepEqual([(await refresh(contoso)).status, (await refresh(fabrikam)).status], [503, 200]);
      assert.match(broker.output(), /"app_registration\.refused".*"organization_id":"org_/);
      assert.doesNotMatch(broker.output(), /a-wrong-secret/);
      await configure({ [provider]: entry(CONTOSOS) });
      assert.equal((await refresh(contoso)).status, 200);
    });

    it('keeps its sign-in when the registration is taken away, and goes by the broker’s from the next one on', async () => {
      await configure(undefined);
      const { authorize, token } = await clientsDuring(async () => {
        const { status, body } = await refresh(contoso);
        assert.deepEqual([status, body.type], [503, 'urn:token-broker:error:app_registration_refused']);
      });
      assert.deepEqual([authorize.size, token.size], [0, 0], 'its token is shown to no other client');
      const { token_status } = await broker.administer('GET', `/mailboxes/${contoso.mailboxId}`);
      assert.equal(token_status, 'acquired');
      assert.equal((await refresh(fabrikam)).status, 200);
      assert.deepEqual(await clientsDuring(() => signInAll(contoso)), only(BROKERS.clientId));
      assert.equal((await refresh(contoso)).status, 200);
    });
  });
}
