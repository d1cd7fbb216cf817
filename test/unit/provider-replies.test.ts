import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { GOOGLE_REPLIES } from '../../shared/adapters/google/replies.ts';
import type { JsonObject } from '../../shared/adapters/http-client/json-object.ts';
import { retryAfterSeconds } from '../../shared/adapters/http-client/retry-after.ts';
import { MICROSOFT_REPLIES } from '../../shared/adapters/msal/replies.ts';
import {
  readRedirectError,
  readTokenReply,
  refusesClientSecret,
  type TokenRequest,
} from '../../shared/adapters/oauth-http/replies.ts';
import type { ErrorKind } from '../../shared/domain/errors.ts';
import type { ProviderFailure } from '../../shared/ports/identity-provider.ts';

const TABLES = [MICROSOFT_REPLIES, GOOGLE_REPLIES];

const WORDS_ABOUT_THE_GRANT: readonly unknown[] = ['invalid_grant', 'interaction_required', 'consent_required'];

/** Values that throw when they are made a string or a number. */
const UNCONVERTIBLE: [(typeof TABLES)[number], TokenRequest, number, JsonObject][] = TABLES.flatMap((table) => [
  [table, 'refresh', 400, { error: { toString: '' } }],
  [table, 'refresh', 400, { error: 'invalid_grant', error_codes: [{ toString: '', valueOf: '' }] }],
]);

const failureOf = (
  sample: { readonly status: number; readonly body: JsonObject | undefined; readonly retryAfterSeconds?: number },
  table = MICROSOFT_REPLIES,
  request: TokenRequest = 'refresh',
): ProviderFailure => {
  const result = readTokenReply({ outcome: 'replied', ...sample }, table, request, ['asked']);
  assert.ok(!result.ok, 'expected a failure');
  return result.error;
};

const microsoft = (error: string, code: number, request: TokenRequest = 'refresh'): ProviderFailure =>
  failureOf(
    { status: 400, body: { error, error_codes: [code], error_description: `AADSTS${code}: text` } },
    MICROSOFT_REPLIES,
    request,
  );

/** Every code of the list that the broker works from, with the error it arrives under and what must come of it. */
const CODES: readonly (readonly [
  error: string,
  ProviderFailure['class'],
  ProviderFailure['affects'],
  ErrorKind,
  readonly number[],
])[] = [
  [
    'invalid_grant',
    'person_must_act',
    'grant',
    'sign_in_lapsed',
    [50173, 50132, 50133, 70008, 700082, 700084, 70043, 50078],
  ],
  ['invalid_grant', 'person_must_act', 'grant', 'sign_in_lapsed', [50089, 50058]],
  ['invalid_grant', 'person_must_act', 'grant', 'sign_in_already_used', [54005]],
  [
    'interaction_required',
    'person_must_act',
    'grant',
    'more_proof_needed',
    [50072, 50079, 50074, 50076, 50158, 700020],
  ],
  ['invalid_grant', 'person_must_act', 'grant', 'conditional_access', [53003, 53000, 53001, 53002, 50097, 53004]],
  ['invalid_grant', 'person_must_act', 'grant', 'conditional_access', [530032, 530034, 500212, 500213, 530035]],
  ['invalid_grant', 'person_must_act', 'grant', 'consent_withdrawn', [65001]],
  [
    'invalid_grant',
    'person_must_act',
    'grant',
    'consent_needed',
    [90094, 90095, 650052, 650054, 650056, 650057, 50105, 500011],
  ],
  ['invalid_grant', 'person_must_act', 'grant', 'sign_in_cancelled', [65004]],
  ['invalid_grant', 'person_must_act', 'grant', 'account_unavailable', [50034, 50053, 50055, 50056, 50057, 50126]],
  ['unauthorized_client', 'operator_must_act', 'grant', 'consent_needed', [700016]],
  ['unauthorized_client', 'operator_must_act', 'grant', 'app_registration_refused', [70001, 7000112]],
  ['invalid_client', 'operator_must_act', 'grant', 'app_registration_refused', [70001, 7000112, 700025]],
  ['invalid_client', 'operator_must_act', 'registration', 'app_registration_refused', [70002, 7000215, 7000222]],
  ['invalid_client', 'operator_must_act', 'registration', 'app_registration_refused', [7000218, 700027]],
  ['invalid_request', 'operator_must_act', 'registration', 'app_registration_refused', [50194, 9001023, 900439]],
  ['invalid_request', 'operator_must_act', 'grant', 'app_registration_refused', [50011, 90009, 90013, 90014, 900144]],
  ['invalid_request', 'operator_must_act', 'grant', 'app_registration_refused', [9002332, 90002, 700005]],
  ['invalid_request', 'operator_must_act', 'grant', 'app_registration_refused', [90038, 900382, 900432]],
  ['invalid_scope', 'operator_must_act', 'grant', 'app_registration_refused', [70011, 28002, 700022]],
  ['invalid_resource', 'operator_must_act', 'grant', 'consent_needed', [650057, 500011]],
  ['invalid_grant', 'retry_later', 'provider', 'provider_unavailable', [90033, 90006, 90012, 90024, 50033, 50087]],
  ['invalid_grant', 'retry_later', 'grant', 'provider_unavailable', [90055, 50196]],
  ['server_error', 'operator_must_act', 'grant', 'provider_unavailable', [90036]],
];

describe('provider replies', () => {
  for (const table of TABLES) {
    for (const row of table.rows) {
      const { error, error_description: text } = row.sample.body;
      it(`${table.name}: reads its sample ${error}: ${String(text).slice(0, 60)}`, () => {
        const failure = failureOf(row.sample, table, row.request ?? 'refresh');
        assert.deepEqual(
          { class: failure.class, affects: failure.affects, kind: failure.kind, message: failure.message },
          { class: row.class, affects: row.affects, kind: row.kind, message: row.message },
        );
        assert.match(row.message, /^[A-Z][^.:]*: [^.:]*\.$/, 'what happened: what to do, in one sentence');
      });
    }
    for (const row of table.redirectRows) {
      it(`${table.name}: explains the redirect ${row.sample.error} ${row.sample.errorDescription?.slice(0, 30) ?? ''}`, () => {
        const { kind, detail } = readRedirectError(row.sample, table);
        assert.deepEqual({ kind, detail }, { kind: row.kind, detail: row.message });
      });
    }
  }

  for (const [error, expectedClass, affects, kind, codes] of CODES) {
    for (const code of codes) {
      it(`AADSTS${code} under ${error} is ${expectedClass} for the ${affects}, ${kind}`, () => {
        const failure = microsoft(error, code);
        assert.deepEqual([failure.class, failure.affects, failure.kind], [expectedClass, affects, kind]);
        assert.equal(failure.code, `AADSTS${code}`);
      });
    }
  }

  it('lets no number end a grant under an error that is no word about it', () => {
    const ending = MICROSOFT_REPLIES.rows
      .filter((row) => row.class === 'person_must_act')
      .flatMap((row) => row.codes ?? []);
    for (const error of [
      'invalid_client',
      'invalid_request',
      'temporarily_unavailable',
      'server_error',
      'no_such_error',
    ]) {
      for (const code of ending) assert.notEqual(microsoft(error, code).class, 'person_must_act', `${error} ${code}`);
    }
  });

  /** Any JSON object, and often one that looks like an error of a provider. */
  const anyBody = fc.oneof(
    fc.dictionary(fc.string(), fc.jsonValue()),
    fc.record(
      {
        error: fc.oneof(fc.jsonValue(), fc.constantFrom('invalid_grant', 'interaction_required', 'invalid_client')),
        error_codes: fc.oneof(fc.jsonValue(), fc.array(fc.constantFrom(...CODES.flatMap(([, , , , codes]) => codes)))),
        error_description: fc.oneof(fc.jsonValue(), fc.constant('Token has been expired or revoked.')),
        suberror: fc.constantFrom('consent_required', 'basic_action', 'bad_token', 'rapt_required'),
        error_subtype: fc.constantFrom('invalid_rapt', 'admin_policy_enforced'),
        refresh_token: fc.string(),
      },
      { requiredKeys: [] },
    ),
  ) as fc.Arbitrary<JsonObject>;

  it('ends a grant only on the three errors that are a word about it, whatever else a reply says', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...TABLES),
        fc.constantFrom<TokenRequest[]>('code', 'refresh'),
        fc.integer({ min: 200, max: 599 }),
        fc.option(anyBody, { nil: undefined }),
        (table, request, status, body) => {
          const exchange = { outcome: 'replied', status, body } as const;
          const result = readTokenReply(exchange, table, request, []);
          if (result.ok) return;
          const { class: who, affects } = result.error;
          const passing = body === undefined || status >= 500 || status === 408 || status === 429;
          if (passing) assert.deepEqual([who, affects], ['retry_later', 'provider']);
          if (who === 'retry_later') return;
          if (who === 'person_must_act') {
            assert.equal(affects, 'grant');
            assert.ok(WORDS_ABOUT_THE_GRANT.includes(body?.error));
          }
          assert.ok(affects !== 'provider', 'what is no passing fault stops nobody else');
        },
      ),
      { numRuns: 2000, examples: UNCONVERTIBLE },
    );
  });

  it('takes a loop guard for a pause of five minutes or more, whatever stands beside it', () => {
    const others = fc.array(fc.constantFrom(700082, 50173, 70000, 65001, 7000215));
    const header = fc.option(fc.integer({ min: 0, max: 900 }), { nil: undefined });
    const where = fc.constantFrom('listed', 'described');
    fc.assert(
      fc.property(others, header, where, fc.constantFrom(400, 401, 403), (codes, retryAfterSeconds, place, status) => {
        const described = place === 'described' ? 'AADSTS50196: The server terminated an operation.' : '';
        const error_codes = place === 'listed' ? [...codes, 50196] : codes;
        const body = { error: 'invalid_grant', error_codes, error_description: described };
        const wait = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
        const failure = failureOf({ status, body, ...wait });
        assert.deepEqual([failure.class, failure.affects], ['retry_later', 'grant']);
        assert.ok(failure.retryAfterSeconds === Math.max(300, retryAfterSeconds ?? 0));
      }),
    );
  });

  it('tries another client secret for a refused one, and for nothing else', () => {
    const retried = (sample: { status: number; body: JsonObject | undefined }, table = MICROSOFT_REPLIES) =>
      refusesClientSecret({ outcome: 'replied', ...sample }, table, 'refresh');
    const under = (error: string, code: number, status = 401) => ({ status, body: { error, error_codes: [code] } });
    for (const code of [7000215, 7000222, 70002]) assert.ok(retried(under('invalid_client', code)), String(code));
    for (const code of [7000218, 700025, 700027, 7000112, 70001, 700016]) {
      for (const error of ['invalid_client', 'unauthorized_client']) {
        assert.ok(!retried(under(error, code)), `${error} ${code}`);
      }
    }
    for (const table of TABLES) {
      for (const status of [400, 401]) assert.ok(retried({ status, body: { error: 'invalid_client' } }, table));
      for (const status of [200, 302, 403, 429, 503]) {
        assert.ok(!retried({ status, body: { error: 'invalid_client' } }, table), String(status));
      }
      for (const error of ['invalid_grant', 'unauthorized_client', 'disabled_client', 'invalid_request', 'odd']) {
        assert.ok(!retried({ status: 401, body: { error } }, table), error);
      }
      assert.ok(!retried({ status: 401, body: undefined }, table));
    }
    const unknownClient = { error: 'invalid_client', error_description: 'The OAuth client was not found.' };
    assert.ok(!retried({ status: 401, body: unknownClient }, GOOGLE_REPLIES));
    assert.ok(!refusesClientSecret({ outcome: 'unreachable', reason: 'time-out' }, GOOGLE_REPLIES, 'refresh'));
  });

  it('retries what is no clear word: 408, 429, 5xx, no JSON, unknown errors, no token, a token beside another status than 200', () => {
    const dead = { error: 'invalid_grant', error_codes: [700082] };
    const cases = [
      ...[408, 429, 500, 502, 503, 504].map((status) => ({ status, body: dead })),
      ...[200, 302, 400, 404].map((status) => ({ status, body: undefined })),
      { status: 400, body: { error: 'something_new' } },
      { status: 400, body: { error: { code: 403, status: 'PERMISSION_DENIED' } } },
      { status: 200, body: { foo: 1 } },
      { status: 200, body: { access_token: '', refresh_token: 'made-up' } },
      ...[201, 302, 400, 503].map((status) => ({ status, body: { access_token: 'made-up', expires_in: 3600 } })),
    ];
    for (const sample of cases) {
      for (const table of TABLES) {
        const failure = failureOf(sample, table);
        assert.equal(failure.class, 'retry_later', inspect(sample));
        assert.equal(failure.kind, 'provider_unavailable');
        const says = sample.body === undefined || [408, 429].includes(sample.status) || sample.status >= 500;
        assert.equal(failure.affects, says ? 'provider' : 'grant', inspect(sample));
      }
    }
  });

  it('obeys Retry-After, and keeps its own pause where that is longer', () => {
    const loop = { status: 400, body: { error: 'invalid_grant', error_codes: [50196] } };
    assert.equal(failureOf(loop).retryAfterSeconds, 300);
    assert.equal(failureOf({ ...loop, retryAfterSeconds: 17 }).retryAfterSeconds, 300);
    assert.equal(failureOf({ ...loop, retryAfterSeconds: 900 }).retryAfterSeconds, 900);
    const busy = failureOf({ status: 429, body: undefined, retryAfterSeconds: 17 });
    assert.deepEqual([busy.retryAfterSeconds, busy.affects], [17, 'provider']);
  });

  it('says what usually ends a refresh token at Google, which does not tell', () => {
    const { message } = failureOf(
      { status: 400, body: { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' } },
      GOOGLE_REPLIES,
    );
    for (const cause of [/revoked/, /six months/, /password/, /testing/, /seven days/]) assert.match(message, cause);
  });

  it('reads Retry-After in seconds and as a date', () => {
    const now = Date.parse('2026-11-21T10:00:00Z');
    assert.equal(retryAfterSeconds('60', now), 60);
    assert.equal(retryAfterSeconds('Sat, 21 Nov 2026 10:01:30 GMT', now), 90);
    assert.equal(retryAfterSeconds('Sat, 21 Nov 2026 09:00:00 GMT', now), 0);
    assert.equal(retryAfterSeconds('31536000', now), 86_400);
    assert.equal(retryAfterSeconds('soon', now), undefined);
    assert.equal(retryAfterSeconds(null, now), undefined);
  });

  it('tells a bad code from a bad refresh token', () => {
    assert.equal(microsoft('invalid_grant', 70000, 'code').kind, 'sign_in_refused');
    assert.equal(microsoft('invalid_grant', 70008, 'code').kind, 'sign_in_expired');
    assert.equal(microsoft('invalid_grant', 65001, 'code').kind, 'consent_needed');
    const google = { status: 400, body: { error: 'invalid_grant', error_description: 'Bad Request' } };
    assert.equal(failureOf(google, GOOGLE_REPLIES, 'code').kind, 'sign_in_refused');
    assert.equal(failureOf(google, GOOGLE_REPLIES, 'refresh').kind, 'sign_in_lapsed');
  });

  it('understands the older reply where 70002 only introduces the real code', () => {
    const failure = failureOf({
      status: 400,
      body: {
        error: 'invalid_grant',
        error_description: 'AADSTS70002: Error validating credentials. AADSTS700082: The refresh token has expired.',
        error_codes: [70002, 700082],
      },
    });
    assert.deepEqual([failure.class, failure.code], ['person_must_act', 'AADSTS700082']);
  });

  it('keeps the correlation id, else the trace id', () => {
    const ids = {
      correlation_id: 'c0ffee00-1d2c-4b3a-9e8f-7a6b5c4d3e2f',
      trace_id: '7f3c1b52-9b7e-4f0d-8a3e-2f6d5c1e0a00',
    };
    const body = { error: 'invalid_grant', ...ids };
    assert.equal(failureOf({ status: 400, body }).correlationId, ids.correlation_id);
    assert.equal(failureOf({ status: 503, body }).correlationId, ids.correlation_id);
    assert.equal(failureOf({ status: 400, body: { error: 'x', trace_id: ids.trace_id } }).correlationId, ids.trace_id);
    assert.equal(failureOf({ status: 400, body: { error: 'x', trace_id: 'a b' } }).correlationId, undefined);
  });

  it('repeats nothing of a reply but codes and ids', () => {
    const secret = '0.AXkA-made-up-refresh-token_9f8e7d6c5b4a';
    const hostile = {
      error: secret,
      error_description: secret,
      suberror: secret,
      trace_id: `${secret} `,
      error_uri: secret,
    };
    for (const table of TABLES) {
      for (const status of [200, 400, 401, 500]) {
        assert.doesNotMatch(inspect(failureOf({ status, body: hostile }, table), { depth: null }), /made-up/);
      }
      const explained = readRedirectError({ error: secret, errorDescription: secret }, table);
      assert.equal(explained.kind, 'sign_in_refused');
      assert.doesNotMatch(inspect(explained), /made-up/);
    }
  });
});

describe('errors on the way back from the provider', () => {
  const explain = (error: string, errorDescription?: string, table = MICROSOFT_REPLIES) =>
    readRedirectError({ error, errorDescription }, table);

  it('tells a cancelled sign-in from a blocked one', () => {
    assert.equal(explain('access_denied', 'the user canceled the authentication').kind, 'sign_in_cancelled');
    assert.equal(explain('access_denied', 'AADSTS65004: User declined to consent').kind, 'sign_in_cancelled');
    assert.equal(explain('access_denied', 'AADSTS53003: Access has been blocked').kind, 'conditional_access');
    assert.equal(explain('access_denied', 'AADSTS90094: The grant requires admin permission').kind, 'consent_needed');
    assert.equal(explain('invalid_grant', 'AADSTS65001: not consented').kind, 'consent_needed');
    assert.equal(explain('invalid_request', 'AADSTS900023: odd').kind, 'sign_in_refused');
    assert.equal(explain('access_denied', undefined, GOOGLE_REPLIES).kind, 'sign_in_cancelled');
    assert.equal(explain('admin_policy_enforced', undefined, GOOGLE_REPLIES).kind, 'consent_needed');
    assert.equal(explain('invalid_scope', undefined, GOOGLE_REPLIES).kind, 'sign_in_refused');
  });

  it('keeps the code and the correlation id', () => {
    const explained = explain(
      'access_denied',
      'AADSTS53003: Blocked.\r\nTrace ID: 7f3c1b52-9b7e-4f0d-8a3e-2f6d5c1e0a00\r\nCorrelation ID: c0ffee00-1d2c-4b3a-9e8f-7a6b5c4d3e2f\r\n',
    );
    assert.equal(explained.code, 'AADSTS53003');
    assert.equal(explained.correlationId, 'c0ffee00-1d2c-4b3a-9e8f-7a6b5c4d3e2f');
  });
});

describe('token replies', () => {
  const read = (body: JsonObject) => {
    const result = readTokenReply({ outcome: 'replied', status: 200, body }, MICROSOFT_REPLIES, 'refresh', ['asked']);
    assert.ok(result.ok);
    return result.value;
  };

  it('takes expires_in as a number, as text, or not at all', () => {
    assert.equal(read({ access_token: 'a', expires_in: 3599 }).expiresInSeconds, 3599);
    assert.equal(read({ access_token: 'a', expires_in: '3599' }).expiresInSeconds, 3599);
    for (const expires_in of [undefined, null, 'soon', '', -1, {}]) {
      assert.equal(read({ access_token: 'a', expires_in }).expiresInSeconds, 1800);
    }
  });

  it('believes no life longer than the longest there is', () => {
    for (const expires_in of [1e9, '1e14']) {
      assert.equal(read({ access_token: 'a', expires_in }).expiresInSeconds, 100_800);
    }
  });

  it('keeps the refresh token of a reply without a usable access token', () => {
    for (const unusable of [{}, { access_token: '' }, { access_token: null }, { access_token: 'a', expires_in: 0 }]) {
      const body = { ...unusable, refresh_token: 'r2' };
      const result = readTokenReply({ outcome: 'replied', status: 200, body }, MICROSOFT_REPLIES, 'refresh', []);
      assert.ok(!result.ok);
      assert.deepEqual([result.error.class, result.error.refreshToken], ['retry_later', 'r2']);
    }
    const body = { error: 'invalid_grant', refresh_token: 'r2' };
    const refusal = readTokenReply({ outcome: 'replied', status: 400, body }, MICROSOFT_REPLIES, 'refresh', []);
    assert.ok(!refusal.ok && refusal.error.refreshToken === undefined);
  });

  it('names the scopes of the reply, else those asked for', () => {
    assert.deepEqual(read({ access_token: 'a', scope: 'x  y' }).scopes, ['x', 'y']);
    assert.deepEqual(read({ access_token: 'a' }).scopes, ['asked']);
    assert.deepEqual(read({ access_token: 'a', scope: '' }).scopes, ['asked']);
  });

  it('names a refresh token only where the reply did', () => {
    assert.equal(read({ access_token: 'a', refresh_token: 'r2' }).refreshToken, 'r2');
    assert.ok(!('refreshToken' in read({ access_token: 'a' })));
    assert.ok(!('refreshToken' in read({ access_token: 'a', refresh_token: '' })));
  });
});
