import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import {
  accountOf,
  advanceSeconds,
  callbackOf,
  comeBack,
  depart,
  everythingAtRest,
  failure,
  makeWorld,
  type Office,
  openOffice,
  type Process,
  startProcess,
  value,
  type World,
} from './support.ts';

describe('departForProvider', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    process = startProcess(world);
    office = await openOffice(process);
  });

  const begin = async () => value(await process.administration.mailboxes.beginSignIn(office.mailbox.id));

  it('sends the browser off with state, PKCE, the redirect URI of this provider, and the expected account', async () => {
    const { authorizationUrl, signIn } = await depart(process, office.mailbox);
    const { searchParams } = new URL(authorizationUrl);
    assert.equal(searchParams.get('redirect_uri'), 'https://broker.example/oauth/callback/microsoft');
    assert.equal(searchParams.get('login_hint'), 'scan@contoso.example');
    // RFC 7636 section 4.2: the base64url of a SHA-256.
    assert.match(searchParams.get('code_challenge') ?? '', /^[\w-]{43}$/);
    assert.ok(searchParams.get('state')?.startsWith(`${signIn.id}.`));
    assert.ok((searchParams.get('state') ?? '').length > signIn.id.length + 40);
  });

  it('draws state, challenge and cookie anew each time', async () => {
    const { id } = await begin();
    const departures = [value(await process.departForProvider(id)), value(await process.departForProvider(id))];
    for (const part of ['state', 'code_challenge']) {
      const [first, second] = departures.map((one) => new URL(one.authorizationUrl).searchParams.get(part));
      assert.notEqual(first, second);
    }
    assert.notEqual(departures[0]?.browserSecret, departures[1]?.browserSecret);
  });

  it('lets only the browser finish that opened the link last', async () => {
    const signIn = await begin();
    const first = { signIn, ...value(await process.departForProvider(signIn.id)) };
    const last = { signIn, ...value(await process.departForProvider(signIn.id)) };
    const account = accountOf(office.mailbox.address);
    assert.equal(failure(await comeBack(world, process, first, { account })).kind, 'sign_in_other_browser');
    value(await comeBack(world, process, last, { account }));
  });

  it('knows no attempt that does not exist', async () => {
    assert.equal(failure(await process.departForProvider('sgn_none')).kind, 'sign_in_not_found');
  });

  it('opens an attempt for ten minutes', async () => {
    const { id } = await begin();
    await advanceSeconds(world, 599);
    value(await process.departForProvider(id));
    await advanceSeconds(world, 1);
    assert.equal(failure(await process.departForProvider(id)).kind, 'sign_in_expired');
  });

  it('opens no attempt of a disabled organization, and leaves it as it was', async () => {
    const { id } = await begin();
    const { organizations } = process.administration;
    value(await organizations.update(office.organization.id, { enabled: false }));
    const before = everythingAtRest(world);
    assert.deepEqual(failure(await process.departForProvider(id)), {
      kind: 'sign_in_refused',
      detail: 'The organization is disabled.',
    });
    assert.equal(everythingAtRest(world), before);
    value(await organizations.update(office.organization.id, { enabled: true }));
    value(await process.departForProvider(id));
  });

  it('opens no attempt that was used', async () => {
    const departed = await depart(process, office.mailbox);
    const state = new URL(departed.authorizationUrl).searchParams.get('state') ?? '';
    failure(await process.completeSignIn(callbackOf(departed, { state, error: 'access_denied' })));
    assert.equal(failure(await process.departForProvider(departed.signIn.id)).kind, 'sign_in_already_used');
  });
});
