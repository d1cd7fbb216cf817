import type { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import * as v from 'valibot';
import { type AnyContext, type BrokerEnv, brokerApp, replyError } from '../../../shared/adapters/http/app.ts';
import { readJsonAs, readQuery } from '../../../shared/adapters/http/bodies.ts';
import { placeOf } from '../../../shared/adapters/http/place.ts';
import { type BrokerError, brokerError } from '../../../shared/domain/errors.ts';
import { inputProblem } from '../../../shared/domain/input-problem.ts';
import { fail, ok, type Result } from '../../../shared/domain/result.ts';
import { type Clock, epochSeconds } from '../../../shared/ports/clock.ts';
import type { Log } from '../../../shared/ports/log.ts';
import type { Random } from '../../../shared/ports/random.ts';
import { parseBasic } from '../../../shared/protocol/client-authentication.ts';
import {
  gatewayProblem,
  PACE_STEP,
  PASSED_INLINE,
  PASSED_UPLOAD,
  PRESENTED_CREDENTIAL,
  servedTokenReply,
  TOKEN_WISH,
} from '../../../shared/protocol/gateway.ts';
import { GATEWAY_REPORT, reportAnswer } from '../../../shared/protocol/gateway-report.ts';
import { fromSnakeCase, inSnakeCase } from '../../../shared/protocol/snake-case.ts';
import { preferredLanguage } from '../../../shared/protocol/texts/index.ts';
import type { AuthenticateDevice } from '../../../shared/usecases/devices/authenticate-device.ts';
import type { PassedAlong } from '../../../shared/usecases/gateways/pass-message.ts';
import type { ServedGateway, ServeGateway } from '../../../shared/usecases/gateways/serve-gateway.ts';

/** Lambda takes 6 MB, and API Gateway hands it the body in base64, a third larger (facts/aws.md section 3). */
const REQUEST_LIMIT_BYTES = 4_500_000;

/** Longer than every id that a gateway makes. */
const ID_LIMIT = 255;

interface GatewayEnv {
  Variables: BrokerEnv['Variables'] & { gateway: ServedGateway };
}

const isMessage = (c: AnyContext): boolean => /^message\/rfc822\s*(;|$)/i.test(c.req.header('content-type') ?? '');

/** What a gateway is told of what it asked for. */
const replyProblem = (c: AnyContext, error: BrokerError): Response => {
  const language = preferredLanguage(c.req.header('accept-language'));
  const { status, contentType, headers, body } = gatewayProblem({ error, language, requestId: c.get('requestId') });
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': contentType, ...headers } });
};

const reply = <Value>(c: AnyContext, result: Result<Value, BrokerError>, toJson: (value: Value) => object): Response =>
  result.ok ? c.json(toJson(result.value)) : replyProblem(c, result.error);

const readInline = async (c: AnyContext, id: string): Promise<Result<PassedAlong, BrokerError>> => {
  const query = readQuery(c);
  if (!query.ok) return query;
  const named = v.safeParse(fromSnakeCase(PASSED_INLINE), query.value);
  if (!named.success) {
    const [issue] = named.issues;
    return fail(brokerError('invalid_request', `${v.getDotPath(issue) ?? 'The query'} ${inputProblem(issue)}.`));
  }
  const to = (c.req.header('x-envelope-to') ?? '').split(',');
  return ok({ id, to, ...named.output, message: new Uint8Array(await c.req.arrayBuffer()) });
};

const readUpload = async (c: AnyContext, id: string): Promise<Result<PassedAlong, BrokerError>> => {
  const named = await readJsonAs(c, fromSnakeCase(PASSED_UPLOAD));
  return named.ok ? ok({ id, ...named.value }) : named;
};

/** What gateways ask of the broker (`GatewayLink`), each with the credential that it was enrolled with. */
export const gatewayApp = ({
  serveGateway,
  authenticateDevice,
  clock,
  log,
  random,
}: {
  serveGateway: ServeGateway;
  authenticateDevice: AuthenticateDevice;
  clock: Clock;
  log: Log;
  random: Random;
}): Hono<BrokerEnv> => {
  const tooLarge = brokerError('message_too_large', `The limit is ${REQUEST_LIMIT_BYTES} bytes in a request.`);
  const app = brokerApp({ errorShape: 'problem', log, random, bodyLimitBytes: REQUEST_LIMIT_BYTES, tooLarge });

  /** Whatever is wrong with the gateway itself is told with a challenge, and nothing else is (RFC 9110 section 11.6.1). */
  const authenticated = createMiddleware<GatewayEnv>(async (c, next) => {
    const credential = parseBasic(c.req.header('authorization'));
    const device = credential.ok ? await authenticateDevice({ ...credential.value, place: placeOf(c) }) : credential;
    if (!device.ok) return replyError(c, device.error, { 'WWW-Authenticate': 'Basic realm="gateway"' });
    const { clientId: gatewayId, organizationId } = device.value;
    c.set('gateway', serveGateway({ gatewayId, organizationId }));
    return next();
  });

  app.post('/v1/gateway/devices', authenticated, async (c) => {
    const presented = await readJsonAs(c, fromSnakeCase(PRESENTED_CREDENTIAL));
    return presented.ok
      ? reply(c, await c.var.gateway.admit(presented.value), inSnakeCase)
      : replyProblem(c, presented.error);
  });

  app.post('/v1/gateway/tokens', authenticated, async (c) => {
    const wish = await readJsonAs(c, fromSnakeCase(TOKEN_WISH));
    if (!wish.ok) return replyProblem(c, wish.error);
    return reply(c, await c.var.gateway.token(wish.value), (token) => servedTokenReply(token, epochSeconds(clock)));
  });

  app.post('/v1/gateway/mailboxes/:mailbox_id/pace', authenticated, async (c) => {
    const step = await readJsonAs(c, fromSnakeCase(PACE_STEP));
    if (!step.ok) return replyProblem(c, step.error);
    const mailboxId = c.req.param('mailbox_id');
    return reply(c, await c.var.gateway.pace({ mailboxId, ...step.value }), inSnakeCase);
  });

  app.post('/v1/gateway/messages', authenticated, async (c) => {
    const id = c.req.header('idempotency-key') ?? '';
    if (id === '' || id.length > ID_LIMIT) {
      return replyProblem(c, brokerError('invalid_request', `Idempotency-Key has 1 to ${ID_LIMIT} characters.`));
    }
    const passed = await (isMessage(c) ? readInline(c, id) : readUpload(c, id));
    return passed.ok ? reply(c, await c.var.gateway.pass(passed.value), inSnakeCase) : replyProblem(c, passed.error);
  });

  app.post('/v1/gateway/reports', authenticated, async (c) => {
    const told = await readJsonAs(c, fromSnakeCase(GATEWAY_REPORT));
    if (!told.ok) return replyProblem(c, told.error);
    return reply(c, await c.var.gateway.report(told.value), ({ signedInAt }) => inSnakeCase(reportAnswer(signedInAt)));
  });

  return app;
};
