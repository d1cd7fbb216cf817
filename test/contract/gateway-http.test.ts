import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { getRequestListener } from '@hono/node-server';
import { registerDeviceApp } from '../../functions/register-device/app.ts';
import { gatewayApp } from '../../functions/relay-mail/gateway/app.ts';
import { enrolGateway } from '../../shared/adapters/gateway-http/enrol-gateway.ts';
import { httpGatewayLink } from '../../shared/adapters/gateway-http/http-gateway-link.ts';
import type { BrokerError } from '../../shared/domain/errors.ts';
import type { Result } from '../../shared/domain/result.ts';
import type { GatewayLink } from '../../shared/ports/gateway-link.ts';
import { countAttempts } from '../../shared/usecases/devices/count-attempts.ts';
import {
  type GatewayOffice,
  gatewayOffice,
  passedMessage,
  presented,
  reportOf,
  serviceOf,
} from '../unit/gateway-office.ts';
import { advanceSeconds, failure, makeWorld, PUBLIC_URL, value, type World } from '../unit/support.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const CREDENTIAL = { clientId: 'gateway', clientSecret: 'made-up-secret' };

describe('the broker over HTTP', () => {
  let world: World;
  let office: GatewayOffice;
  let answer: Answer;
  let seen: IncomingMessage[];
  let brokerUrl: string;
  let close: () => Promise<void>;

  beforeEach(async () => {
    world = makeWorld();
    office = await gatewayOffice(world);
    seen = [];
    const server = createServer((request, response) => {
      seen.push(request);
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    brokerUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    close = () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
  });
  afterEach(() => close());

  const linkTo = (url = brokerUrl, credential = CREDENTIAL, timeoutMs = 10_000) =>
    httpGatewayLink({ brokerUrl: url, credential, clock: world.clock, timeoutMs });
  const replying =
    (status: number, body: string, headers: Record<string, string> = {}): Answer =>
    (_request, response) =>
      response.writeHead(status, headers).end(body);

  /** Every way to ask. */
  const asked = (link: GatewayLink): readonly Promise<Result<unknown, BrokerError>>[] => [
    link.admit(presented(office)),
    link.token({ mailboxId: office.mailbox.id, audience: 'smtp', minTtlSeconds: 600 }),
    link.pace({ mailboxId: office.mailbox.id, owner: 'run-1', wants: 'permit' }),
    link.pass(passedMessage(office)),
    link.pass(passedMessage(office, { sizeBytes: 5_000_000 })),
    link.report(reportOf(world, [])),
  ];
  const refusals = async (link: GatewayLink): Promise<readonly BrokerError[]> =>
    (await Promise.all(asked(link))).map(failure);

  /** With the broker's own app behind it. */
  const answeredByBroker = (): void => {
    const app = gatewayApp({ ...office.process, serveGateway: serviceOf(office.process) });
    answer = getRequestListener(app.fetch);
  };

  const ALIEN: readonly (readonly [what: string, answer: Answer, detail: RegExp])[] = [
    [
      'a page of a hotspot',
      replying(200, '<html>Sign in</html>', { 'content-type': 'text/html' }),
      /not one of the broker/,
    ],
    ['JSON of somebody else', replying(200, '{"ok":true}'), /not one of the broker|no proper link/],
    ['a redirect', replying(302, '', { location: 'http://127.0.0.1:9/' }), /HTTP status 302/],
    ['a proxy in trouble', replying(502, 'Bad gateway'), /HTTP status 502/],
    [
      'API Gateway that lets nobody through',
      replying(429, '{"message":"Too Many Requests"}', { 'retry-after': '7' }),
      /too often/,
    ],
    [
      'a broker that crashed',
      replying(500, '{"type":"urn:token-broker:error:internal","title":"x","detail":"y"}'),
      /The broker failed/,
    ],
    [
      'a broker whose table throttles',
      replying(503, '{"type":"urn:token-broker:error:store_unavailable"}', { 'retry-after': '5' }),
      /cannot reach its data/,
    ],
    ['a broker without gateways', replying(404, '{"type":"urn:token-broker:error:not_found"}'), /knows no gateways/],
    ['an error of a later version', replying(409, '{"type":"urn:token-broker:error:of_next_year"}'), /HTTP status 409/],
    [
      'half a reply',
      (_request, response) => {
        response.writeHead(200, { 'content-length': '10' }).write('{');
        response.destroy();
      },
      /cannot be reached/,
    ],
  ];
  for (const [what, reply, detail] of ALIEN) {
    it(`is unreachable where ${what} answers`, async () => {
      answer = reply;
      for (const error of await refusals(linkTo())) {
        assert.equal(error.kind, 'broker_unreachable');
        assert.match(error.detail ?? '', detail);
      }
    });
  }

  it('is unreachable where nobody listens, or nobody answers in time', async () => {
    answer = () => undefined;
    const slow = linkTo(brokerUrl, CREDENTIAL, 50);
    const { kind, detail } = failure(await slow.admit(presented(office)));
    assert.deepEqual([kind, detail], ['broker_unreachable', 'The broker cannot be reached (time-out).']);
    const url = brokerUrl;
    await close();
    for (const error of await refusals(linkTo(url))) {
      assert.deepEqual(error, { kind: 'broker_unreachable', detail: 'The broker cannot be reached (ECONNREFUSED).' });
    }
  });

  it('tells how long to wait where it is asked too often', async () => {
    answer = replying(429, '', { 'retry-after': '7' });
    for (const { retryAfterSeconds } of await refusals(linkTo())) assert.equal(retryAfterSeconds, 7);
  });

  it('is spoken to by https alone, but on this machine', () => {
    assert.throws(() => linkTo('http://broker.example'), /https/);
    assert.throws(() => linkTo('not a URL'), TypeError);
    for (const url of ['https://broker.example/', 'https://broker.example/base', 'http://localhost:8787']) linkTo(url);
  });

  it('keeps a path of its address', async () => {
    answer = replying(404, '');
    await linkTo(`${brokerUrl}/base/`).admit(presented(office));
    assert.equal(seen[0]?.url, '/base/v1/gateway/devices');
  });

  it('says of the gateway itself that it is refused, in other words than of a device', async () => {
    answeredByBroker();
    for (const error of (await refusals(linkTo())).filter((_, index) => index !== 4)) {
      assert.equal(error.kind, 'broker_unreachable');
      assert.match(error.detail ?? '', /refused the gateway itself.*enrol it again/);
    }
    assert.equal(
      failure(await linkTo(brokerUrl, office.gatewayCredential).admit({ ...presented(office), clientSecret: 'x' }))
        .kind,
      'invalid_client',
    );
  });

  it('refuses a gateway that was disabled at once, and lets it go on when it is enabled', async () => {
    answeredByBroker();
    const link = linkTo(brokerUrl, office.gatewayCredential);
    const { devices } = office.process.administration;
    const wish = { mailboxId: office.mailbox.id, audience: 'smtp', minTtlSeconds: 600 } as const;
    value(await link.admit(presented(office)));
    value(await link.token(wish));
    value(await devices.update(office.gateway.gatewayId, { enabled: false }));
    assert.equal(failure(await link.token(wish)).kind, 'broker_unreachable');
    assert.equal(failure(await link.admit(presented(office))).kind, 'broker_unreachable');
    value(await devices.update(office.gateway.gatewayId, { enabled: true }));
    value(await link.token(wish));
  });

  it('is unreachable to a gateway whose credential somebody else presents wrongly, for as long as it is told', async () => {
    answeredByBroker();
    const wrong = linkTo(brokerUrl, { ...office.gatewayCredential, clientSecret: 'wrong' });
    for (let tries = 0; tries < 12; tries++) await wrong.report(reportOf(world, []));
    const link = linkTo(brokerUrl, office.gatewayCredential);
    const { kind, detail, retryAfterSeconds } = failure(await link.admit(presented(office)));
    assert.equal(kind, 'broker_unreachable');
    assert.match(detail ?? '', /too often/);
    assert.ok(retryAfterSeconds !== undefined && retryAfterSeconds > 0);
    await advanceSeconds(world, retryAfterSeconds);
    value(await link.admit(presented(office)));
  });

  it('gets no more than its limits of what a gateway sends', async () => {
    answeredByBroker();
    const { clientId, clientSecret } = office.gatewayCredential;
    const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
    const post = (path: string, body: string, headers: Record<string, string> = {}) =>
      fetch(`${brokerUrl}/v1/gateway/${path}`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', ...headers },
        body,
      });
    const state = { version: '1', started_at: 1, way: 'direct', queued: 0, oldest_seconds: 0 };
    const report = (changes: object) =>
      JSON.stringify({ submissions: [], outboxes: [], waiting: [], state, ...changes });
    assert.equal((await post('reports', report({}))).status, 200);
    for (const [path, body, headers] of [
      ['reports', report({ waiting: Array.from({ length: 101 }, (_, one) => `mbx_${one}`) })],
      ['reports', report({ submissions: [{ submission: { id: '../../etc' } }] })],
      ['reports', report({ state: { ...state, way: 'by pigeon' } })],
      ['reports', '{'],
      ['devices', JSON.stringify({ client_id: 'x', client_secret: 'y', slot: 'scan', address: 'a'.repeat(65) })],
      ['tokens', JSON.stringify({ mailbox_id: 'x', audience: 'all', min_ttl_seconds: 1 })],
      ['mailboxes/x/pace', JSON.stringify({ owner: 'x', wants: 'everything' })],
      ['messages', '{}'],
      ['messages', '{}', { 'idempotency-key': 'x' }],
      ['messages?client_id=x', 'x', { 'idempotency-key': 'x', 'content-type': 'message/rfc822' }],
    ] as const) {
      const reply = await post(path, body, headers);
      const problem = (await reply.json()) as { type: string };
      assert.deepEqual(
        [reply.status, problem.type],
        [400, 'urn:token-broker:error:invalid_request'],
        `${path} ${body}`,
      );
    }
  });

  it('writes no token and no secret into its log', async () => {
    answeredByBroker();
    const link = linkTo(brokerUrl, office.gatewayCredential);
    value(await link.admit(presented(office)));
    const { accessToken } = value(
      await link.token({ mailboxId: office.mailbox.id, audience: 'smtp', minTtlSeconds: 600 }),
    );
    const lines = JSON.stringify(world.log.lines);
    for (const secret of [accessToken, office.credential.clientSecret, office.gatewayCredential.clientSecret]) {
      assert.ok(!lines.includes(secret));
    }
  });

  describe('enrols a gateway', () => {
    beforeEach(() => {
      const { process } = office;
      const app = registerDeviceApp({ ...process, countAttempts: countAttempts(process), publicUrl: PUBLIC_URL });
      answer = getRequestListener(app.fetch);
    });

    const newToken = async () =>
      value(await office.process.administration.enrolmentTokens.create(office.organization.id, 1, 3600)).enrolmentToken;
    const enrol = (enrolmentToken: string, name = 'Gateway of the office') =>
      enrolGateway({ brokerUrl, enrolmentToken, name });

    it('by a token, once, as a device of the organization', async () => {
      const token = await newToken();
      const { clientId, clientSecret, registrationAccessToken } = value(await enrol(token));
      const { device } = value(await office.process.administration.devices.get(clientId));
      assert.deepEqual(
        [device.organizationId, device.metadata.clientName],
        [office.organization.id, 'Gateway of the office'],
      );
      assert.equal(device.metadata.softwareId, 'token-broker-gateway');
      assert.ok(registrationAccessToken.length > 20);
      value(await office.process.authenticateDevice({ clientId, clientSecret, place: 'x' }));
      assert.equal(failure(await enrol(token)).kind, 'invalid_enrolment_token');
    });

    it('and says why not', async () => {
      assert.equal(failure(await enrol('made-up')).kind, 'invalid_enrolment_token');
      assert.equal(failure(await enrol(await newToken(), '')).kind, 'invalid_client_metadata');
      for (let tries = 0; tries < 120; tries++) await enrol('made-up');
      const { kind, retryAfterSeconds } = failure(await enrol('made-up'));
      assert.equal(kind, 'too_many_attempts');
      assert.ok(retryAfterSeconds !== undefined && retryAfterSeconds > 0);
      answer = replying(200, '<html>', {});
      assert.equal(failure(await enrol('made-up')).kind, 'broker_unreachable');
      await close();
      assert.equal(failure(await enrol('made-up')).kind, 'broker_unreachable');
      await assert.rejects(
        enrolGateway({ brokerUrl: 'http://broker.example', enrolmentToken: 'x', name: 'x' }),
        TypeError,
      );
    });
  });
});
