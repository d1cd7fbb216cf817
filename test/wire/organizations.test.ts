import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { localBroker } from '../../local/broker.ts';
import { openDataFolder } from '../../local/data-folder.ts';
import { parseBrokerConfig } from '../../shared/config/provider-config.ts';
import { memoryLog } from '../fakes/memory-log.ts';
import { type Attempt, BY_LINK_OR_CODE, FOR_EVERYBODY, OWN_VIEWS, triesOf } from './organizations/attempts.ts';
import { type Customer, madeUpNames, type Names, newCustomer } from './organizations/customer.ts';
import { ADDRESSES, call, type Reply, type WireBroker, wireBroker } from './support.ts';

/** Every route of every app, as the one-machine broker has them: `GET /v1/token`. */
const allRoutes = async (): Promise<readonly string[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-routes-'));
  const provider = { client_id: 'id', client_secret: 'secret' };
  const broker = localBroker({
    data: openDataFolder(folder),
    config: parseBrokerConfig(JSON.stringify({ providers: { microsoft: provider, google: provider } }), 'test'),
    publicUrl: 'http://localhost:8787',
    adminKey: 'made-up',
    shownProviders: [],
    certificateAuthority: () => undefined,
    log: memoryLog(),
  });
  broker.close();
  await rm(folder, { recursive: true });
  const found = Object.values(broker.apps).flatMap(({ routes }) => routes);
  const paths = new Set(found.filter(({ method }) => method !== 'ALL').map(({ path }) => path));
  // What answers to every method is middleware where a route follows, or where it is for a whole tree.
  const routes = found.filter(({ method, path }) => method !== 'ALL' || !(paths.has(path) || path.endsWith('/*')));
  return [...new Set(routes.map(({ method, path }) => `${method} ${path}`))];
};

const ROUTES = await allRoutes();

let broker: WireBroker;
let database: DatabaseSync;
let customers: readonly (readonly [me: Customer, them: Customer])[];

before(async () => {
  broker = await wireBroker();
  const contoso = await newCustomer(broker, 'Contoso-Kraków', 'microsoft', ADDRESSES.microsoft);
  const fabrikam = await newCustomer(broker, 'Fabrikam-Aarhus', 'google', ADDRESSES.google);
  customers = [
    [contoso, fabrikam],
    [fabrikam, contoso],
  ];
  database = new DatabaseSync(join(broker.folder, 'broker.sqlite'), { readOnly: true });
});
after(async () => {
  database?.close();
  await broker?.close();
});

/** All that is stored, but for the counts of wrong credentials, what workers note of providers, and gateways of themselves. */
const everythingStored = (): string =>
  JSON.stringify(
    database
      .prepare(`SELECT * FROM items WHERE pk NOT LIKE 'attempts#%' AND pk NOT LIKE 'provider#%' AND pk NOT LIKE 'gateways#%'
         ORDER BY pk, sk`)
      .all(),
  );

let places = 0;

/** Each from a place of its own: how many wrong credentials are free is not the matter here. */
const attempt = (method: string, { path, headers, body }: Attempt): Promise<Reply> => {
  places += 1;
  const place = `203.0.${places >> 8}.${places & 255}`;
  return call(broker.url + path, {
    method,
    headers: { ...headers, 'x-forwarded-for': place },
    ...(body === undefined ? {} : { body }),
  });
};

const HEADERS = ['content-type', 'www-authenticate', 'cache-control', 'location', 'set-cookie', 'allow', 'retry-after'];

/** The reply as it is but for its request id, and for the names that were asked for where it repeats them. */
const comparable = ({ status, headers, text }: Reply, names: Names): string => {
  const whole = JSON.stringify([status, ...HEADERS.map((name) => headers.get(name)), text]);
  const withoutId = whole.replaceAll(headers.get('x-request-id') ?? '-', 'REQUEST');
  return Object.entries(names).reduce((left, [what, name]) => left.replaceAll(name, what), withoutId);
};

describe('an organization', () => {
  test('is tried at every route there is', () => {
    const known = (route: string) =>
      triesOf(route) !== undefined || FOR_EVERYBODY.includes(route) || BY_LINK_OR_CODE.includes(route);
    assert.ok(ROUTES.length > 80, `only ${ROUTES.length} routes`);
    assert.deepEqual(
      ROUTES.filter((route) => !known(route)),
      [],
      'tell test/wire/organizations/attempts.ts what to try there',
    );
    const named = [...FOR_EVERYBODY, ...BY_LINK_OR_CODE, ...Object.keys(OWN_VIEWS)];
    assert.deepEqual(
      named.filter((route) => !ROUTES.includes(route)),
      [],
      'there is no such route any more',
    );
  });

  for (const route of ROUTES.filter((one) => !FOR_EVERYBODY.includes(one) && !BY_LINK_OR_CODE.includes(one))) {
    const [method = ''] = route.split(' ');

    test(`answers ${route} to another's credentials as if what is named did not exist`, async () => {
      const tries = triesOf(route);
      for (const [me, them] of tries ? customers : []) {
        const nobody = madeUpNames(them.names);
        const [real, imagined] = [tries?.(me, them.names) ?? [], tries?.(me, nobody) ?? []];
        assert.ok(real.length > 0 || route in OWN_VIEWS, 'nothing is tried');
        for (const [index, one] of real.entries()) {
          const other = imagined[index];
          assert.ok(other);
          const stored = everythingStored();
          const where = `${method} ${one.path} ${JSON.stringify(one.body ?? '')}`;
          const [reply, ofNobody] = [await attempt(method, one), await attempt(method, other)];
          const expected = one.status === undefined ? [401, 404] : [one.status];
          assert.ok(expected.includes(reply.status), `${where}: ${reply.status} ${reply.text.slice(0, 500)}`);
          const seen = comparable(reply, them.names);
          assert.equal(seen, comparable(ofNobody, nobody), where);
          for (const secret of them.private) assert.ok(!seen.includes(secret), `${where} tells ${secret}`);
          assert.equal(everythingStored(), stored, `${where} changed something`);
        }
      }
    });
  }

  for (const [route, view] of Object.entries(OWN_VIEWS)) {
    const [method = ''] = route.split(' ');

    test(`sees by ${route} what is its own, and nothing of another`, async () => {
      for (const [me, them] of customers) {
        const wanted = view(me);
        const reply = await attempt(method, wanted);
        assert.equal(reply.status, wanted.status ?? 200, reply.text);
        const seen = JSON.stringify([...reply.headers, reply.text]);
        for (const secret of them.private) assert.ok(!seen.includes(secret), `${route} tells ${secret}`);
        if (reply.status === 200)
          assert.ok(
            me.private.some((own) => seen.includes(own)),
            `${route} tells nothing`,
          );
      }
    });
  }

  test('reaches what is its own with its own key, wherever the other was refused', async () => {
    for (const [me] of customers) {
      const headers = { authorization: `Bearer ${me.adminKey}`, 'content-type': 'application/json' };
      const { organization, device, mailbox, signIn, submission } = me.names;
      for (const path of [
        `/organizations/${organization}`,
        `/organizations/${organization}/devices`,
        `/organizations/${organization}/mailboxes`,
        `/organizations/${organization}/enrolment-tokens`,
        `/organizations/${organization}/gateways`,
        `/organizations/${organization}/notifications`,
        `/organizations/${organization}/notices`,
        `/devices/${device}`,
        `/mailboxes/${mailbox}`,
        `/sign-ins/${signIn}`,
        `/audit?organization_id=${organization}`,
        `/submissions?organization_id=${organization}`,
        `/submissions?mailbox_id=${mailbox}`,
        `/submissions/${submission}`,
      ]) {
        assert.equal((await call(`${broker.url}/v1/admin${path}`, { headers })).status, 200, path);
      }
      const changed = { method: 'PATCH', headers, body: JSON.stringify({ location: 'Attic' }) };
      assert.equal((await call(`${broker.url}/v1/admin/devices/${device}`, changed)).status, 200);
    }
  });

  test('cannot lift a suspension by the operator with its own key, and is told why', async () => {
    const [[me] = []] = customers;
    assert.ok(me);
    const headers = { authorization: `Bearer ${me.adminKey}`, 'content-type': 'application/json' };
    const path = `/organizations/${me.names.organization}`;
    assert.equal((await broker.admin('PATCH', path, { enabled: false })).status, 200);
    const body = JSON.stringify({ enabled: true });
    const { status, body: told } = await call(`${broker.url}/v1/admin${path}`, { method: 'PATCH', headers, body });
    assert.deepEqual(
      [status, told.error, told.detail],
      [401, 'invalid_token', 'This key is for one organization; this needs a key for all.'],
    );
    assert.equal((await broker.admin('GET', path)).body.enabled, false);
    assert.equal((await broker.admin('PATCH', path, { enabled: true })).status, 200);
  });

  test('is told why its key manages neither keys nor organizations, and its key stops when it is revoked', async () => {
    const [[me] = []] = customers;
    assert.ok(me);
    const headers = { authorization: `Bearer ${me.adminKey}` };
    const keys = () => call(`${broker.url}/v1/admin/keys`, { headers });
    const detail = 'This key is for one organization; this needs a key for all.';
    assert.deepEqual([(await keys()).status, (await keys()).body.detail], [401, detail]);
    const overview = () => call(`${broker.url}/console/audit`, { headers: { cookie: me.cookie } });
    assert.equal((await overview()).status, 200);
    assert.equal((await broker.admin('DELETE', `/keys/${me.names.adminKey}`)).status, 204);
    assert.deepEqual([(await keys()).status, (await keys()).body.detail], [401, undefined]);
    assert.equal((await overview()).status, 401);
  });
});
