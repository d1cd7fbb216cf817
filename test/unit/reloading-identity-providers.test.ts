import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { reloadingIdentityProviders } from '../../shared/adapters/identity-providers/reloading.ts';
import { makeGate } from '../fakes/gate.ts';
import { manualClock } from '../fakes/manual-clock.ts';
import { memoryLog } from '../fakes/memory-log.ts';

const FIVE_MINUTES = 5 * 60_000;

const documentWith = (...clientSecrets: readonly string[]): string => {
  const client_secrets = clientSecrets.map((value) => ({ value, expires_on: '2027-03-01' }));
  return JSON.stringify({ providers: { microsoft: { client_id: `client-of-${clientSecrets[0]}`, client_secrets } } });
};

/** Providers over a document that can be changed, and a Microsoft that refuses some client secrets. */
const reloading = async (t: TestContext, document = documentWith('made-up-first')) => {
  const world = { document, failure: undefined as Error | undefined, loads: 0, refused: new Set<string>() };
  const [clock, log, gate] = [manualClock(), memoryLog(), makeGate()];
  const load = async (): Promise<string> => {
    world.loads++;
    await gate.pass();
    if (world.failure) throw world.failure;
    return world.document;
  };
  const sent: string[] = [];
  t.mock.method(globalThis, 'fetch', async (_url: unknown, init?: RequestInit) => {
    const clientSecret = new URLSearchParams(String(init?.body)).get('client_secret') ?? '';
    sent.push(clientSecret);
    if (world.refused.has(clientSecret)) return Response.json({ error: 'invalid_client' }, { status: 401 });
    return Response.json({ access_token: 'made-up', expires_in: 3600, refresh_token: 'made-up-second' });
  });
  const providers = await reloadingIdentityProviders({ load, clock, log });
  const microsoft = providers.of({ provider: 'microsoft' });
  /** Refreshes, and tells which client secrets were tried for it. */
  const refresh = async (): Promise<readonly string[]> => {
    const from = sent.length;
    await microsoft.refresh({ refreshToken: 'made-up', audience: 'smtp' });
    return sent.slice(from);
  };
  return { world, clock, log, gate, sent, providers, microsoft, refresh };
};

const CONTOSO = { provider: 'microsoft', organizationId: 'org_contoso' } as const;

/** The same, with a registration that Contoso has brought. */
const withOwn = (document: string, clientSecret: string): string => {
  const microsoft = { client_id: 'client-of-contoso', client_secret: clientSecret };
  return JSON.stringify({ ...JSON.parse(document), organizations: { org_contoso: { providers: { microsoft } } } });
};

const DEPARTURE = { redirectUri: 'https://b.example/', state: 's', codeChallenge: 'c', loginHint: 'a@b.example' };

describe('providers that are reloaded', () => {
  it('use a client secret that was mended, five minutes later at most', async (t) => {
    const { world, clock, log, refresh } = await reloading(t);
    world.document = documentWith('made-up-mended');
    await clock.advance(FIVE_MINUTES - 1);
    assert.deepEqual(await refresh(), ['made-up-first']);
    assert.equal(world.loads, 1);
    await clock.advance(1);
    assert.deepEqual(await refresh(), ['made-up-mended']);
    assert.equal(log.of('config.reloaded').length, 1);
    await clock.advance(FIVE_MINUTES - 1);
    assert.deepEqual(await refresh(), ['made-up-mended']);
    assert.equal(world.loads, 2);
  });

  it('take it up for a sign-in too, when it begins and when its code is redeemed', async (t) => {
    const { world, clock, microsoft } = await reloading(t);
    const clientSent = async () => new URL(await microsoft.authorizationUrl(DEPARTURE)).searchParams.get('client_id');
    assert.equal(await clientSent(), 'client-of-made-up-first');
    world.document = documentWith('made-up-mended');
    await clock.advance(FIVE_MINUTES);
    assert.equal(await clientSent(), 'client-of-made-up-mended');
    world.refused.add('made-up-again');
    world.document = documentWith('made-up-again');
    await clock.advance(FIVE_MINUTES);
    const code = { code: 'c', codeVerifier: 'v'.repeat(43), redirectUri: 'https://b.example/' };
    const redeemed = await microsoft.redeemCode(code);
    assert.ok(!redeemed.ok && redeemed.error.affects === 'registration');
  });

  it('go on remembering which client secret was accepted, as long as the document says the same', async (t) => {
    const both = ['made-up-expired', 'made-up-good'] as const;
    const { world, clock, log, refresh } = await reloading(t, documentWith(...both));
    world.refused.add('made-up-expired');
    assert.deepEqual(await refresh(), both);
    await clock.advance(FIVE_MINUTES);
    assert.deepEqual(await refresh(), ['made-up-good']);
    assert.equal(world.loads, 2);
    assert.equal(log.of('config.reloaded').length, 0);
  });

  it('say what is known of the registration without asking', async (t) => {
    const { world, clock, microsoft, refresh } = await reloading(t);
    assert.equal(microsoft.clientId, 'client-of-made-up-first');
    assert.deepEqual(
      microsoft.clientSecrets.map(({ expiresOn }) => expiresOn),
      ['2027-03-01'],
    );
    assert.match(microsoft.scopeFor('smtp') ?? '', /SMTP\.Send/);
    world.document = documentWith('made-up-mended', 'made-up-other');
    await clock.advance(FIVE_MINUTES);
    assert.equal(microsoft.clientId, 'client-of-made-up-first');
    assert.equal(world.loads, 1);
    await refresh();
    assert.equal(microsoft.clientId, 'client-of-made-up-mended');
    assert.equal(microsoft.clientSecrets.length, 2);
  });

  it('keep what they know while the document cannot be had, ask seldom, and tell once', async (t) => {
    const { world, clock, log, refresh } = await reloading(t);
    world.document = documentWith('made-up-mended');
    const throttled = Object.assign(new Error('with made-up-details'), { name: 'ThrottlingException' });
    world.failure = throttled;
    await clock.advance(FIVE_MINUTES);
    for (let call = 0; call < 3; call++) assert.deepEqual(await refresh(), ['made-up-first']);
    assert.equal(world.loads, 2);
    await clock.advance(30_000);
    assert.deepEqual(await refresh(), ['made-up-first']);
    assert.equal(world.loads, 3);
    assert.deepEqual(log.of('config.not_reloaded'), [
      { level: 'error', event: 'config.not_reloaded', fields: { reason: 'ThrottlingException' } },
    ]);
    world.failure = undefined;
    await clock.advance(30_000);
    assert.deepEqual(await refresh(), ['made-up-mended']);
    world.failure = throttled;
    await clock.advance(FIVE_MINUTES);
    await refresh();
    assert.equal(log.of('config.not_reloaded').length, 2, 'another time is told again');
  });

  for (const [what, text] of [
    ['is no JSON', '{"providers": {"microsoft": {"client_secret": "made-up-slip", }'],
    [
      'has a wrong field',
      JSON.stringify({ providers: { microsoft: { client_id: 7, client_secret: 'made-up-slip' } } }),
    ],
  ] as const) {
    it(`keep what they know when the document ${what}, and never quote it`, async (t) => {
      const { world, clock, log, microsoft, refresh } = await reloading(t);
      world.document = text;
      await clock.advance(FIVE_MINUTES);
      assert.deepEqual(await refresh(), ['made-up-first']);
      assert.deepEqual(await refresh(), ['made-up-first']);
      assert.equal(microsoft.clientId, 'client-of-made-up-first');
      assert.equal(log.lines.length, 1);
      assert.match(String(log.of('config.not_reloaded')[0]?.fields.reason), /^the provider configuration\b/);
      assert.doesNotMatch(JSON.stringify(log.lines), /made-up/);
      world.document = documentWith('made-up-mended');
      await clock.advance(30_000);
      assert.deepEqual(await refresh(), ['made-up-mended']);
    });
  }

  it('load once for calls that come at once', async (t) => {
    const { world, clock, gate, refresh } = await reloading(t);
    world.document = documentWith('made-up-mended');
    gate.close();
    await clock.advance(FIVE_MINUTES);
    const calls = [refresh(), refresh(), refresh()];
    await clock.advance(0);
    assert.equal(gate.waiting, 1);
    gate.open();
    await Promise.all(calls);
    assert.equal(world.loads, 2);
    assert.deepEqual(await refresh(), ['made-up-mended']);
  });

  it('wait a second for a slow document, then go on with what they know, and use it when it has come', async (t) => {
    const { world, clock, gate, refresh } = await reloading(t);
    world.document = documentWith('made-up-mended');
    gate.close();
    await clock.advance(FIVE_MINUTES);
    const held = refresh();
    await clock.advance(999);
    const first = await Promise.race([held, 'waiting']);
    assert.equal(first, 'waiting');
    await clock.advance(1);
    assert.deepEqual(await held, ['made-up-first']);
    // On a clock that stands still, whoever waited would wait for ever.
    assert.deepEqual(await refresh(), ['made-up-first']);
    gate.open();
    await clock.advance(0);
    assert.deepEqual(await refresh(), ['made-up-mended']);
    assert.equal(world.loads, 2);
  });

  it('do not begin without a document', async () => {
    const [clock, log] = [manualClock(), memoryLog()];
    const broken = reloadingIdentityProviders({ load: async () => 'no JSON', clock, log });
    await assert.rejects(broken, { name: 'ConfigError' });
    const load = async () => {
      throw new Error('made-up');
    };
    await assert.rejects(reloadingIdentityProviders({ load, clock, log }), /made-up/);
  });

  it('take up what organizations bring and take away, for sign-ins and refreshes', async (t) => {
    const { world, clock, sent, providers } = await reloading(t);
    const own = providers.of(CONTOSO);
    const refreshOwn = () => own.refresh({ refreshToken: 'made-up', audience: 'smtp' });
    assert.deepEqual(await providers.forSignIn(CONTOSO), { provider: 'microsoft' });
    world.document = withOwn(world.document, 'made-up-of-contoso');
    await clock.advance(FIVE_MINUTES);
    assert.deepEqual(await providers.forSignIn(CONTOSO), CONTOSO);
    const url = new URL(await own.authorizationUrl(DEPARTURE));
    assert.equal(url.searchParams.get('client_id'), 'client-of-contoso');
    assert.ok((await refreshOwn()).ok);
    assert.equal(sent.at(-1), 'made-up-of-contoso');
    world.document = withOwn(world.document, 'made-up-mended-by-contoso');
    await clock.advance(FIVE_MINUTES);
    await refreshOwn();
    assert.equal(sent.at(-1), 'made-up-mended-by-contoso');
    world.document = documentWith('made-up-first');
    await clock.advance(FIVE_MINUTES);
    const count = sent.length;
    const refused = await refreshOwn();
    assert.ok(!refused.ok && refused.error.code === 'not_configured');
    assert.equal(sent.length, count, 'nobody else’s secret was tried in its place');
  });

  it('look before they say that one is not configured, but not more often than every half a minute', async (t) => {
    const { world, clock, sent, providers } = await reloading(t);
    const own = providers.of(CONTOSO);
    const refreshOwn = () => own.refresh({ refreshToken: 'made-up', audience: 'smtp' });
    world.document = withOwn(world.document, 'made-up-of-contoso');
    await clock.advance(29_999);
    assert.ok(!(await refreshOwn()).ok);
    assert.equal(world.loads, 1);
    await clock.advance(1);
    assert.ok((await refreshOwn()).ok);
    assert.equal(sent.at(-1), 'made-up-of-contoso');
    world.document = documentWith('made-up-first');
    await clock.advance(30_000);
    assert.ok((await refreshOwn()).ok, 'what is known is looked at again in its time');
    assert.equal(world.loads, 2);
    world.failure = new Error('made-up');
    const missing = providers.of({ ...CONTOSO, organizationId: 'org_other' });
    for (let call = 0; call < 3; call++) await missing.refresh({ refreshToken: 'made-up', audience: 'smtp' });
    assert.equal(world.loads, 3);
  });

  it('tell which there are by a document that is half a minute old at most', async (t) => {
    const { world, clock, providers } = await reloading(t);
    world.document = withOwn(world.document, 'made-up-of-contoso');
    await clock.advance(29_999);
    assert.deepEqual(await providers.configured(), [{ provider: 'microsoft' }]);
    await clock.advance(1);
    assert.deepEqual(await providers.configured(), [{ provider: 'microsoft' }, CONTOSO]);
  });
});
