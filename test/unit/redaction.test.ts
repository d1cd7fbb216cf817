import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { redactFields, redactText } from '../../shared/domain/redaction.ts';

const letters = (alphabet: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength });
const WORD = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const URL_SAFE = `${WORD}-_`;

/** Secrets by the shapes in which providers give them out. */
const jwt = fc
  .tuple(letters(URL_SAFE, 20, 60), letters(URL_SAFE, 20, 60), letters(URL_SAFE, 20, 60))
  .map(([a, b, c]) => `eyJ${a}.eyJ${b}.${c}`);
const microsoftRefreshToken = fc
  .tuple(fc.constantFrom('0.A', '1.A'), letters(`${URL_SAFE}.`, 60, 200))
  .map((parts) => parts.join(''));
const personalRefreshToken = fc
  .tuple(fc.constantFrom('M.R3_BAY.', 'M.C507_BL2.0.U.', 'M.C105_SN1.-'), letters(`${WORD}*!$`, 60, 200))
  .map((parts) => parts.join(''));
const personalAccessToken = letters(`${WORD}+/`, 150, 300).map((text) => `EwBoA8l6BAAU${text}==`);
const googleAccessToken = letters(URL_SAFE, 40, 150).map((text) => `ya29.a0${text}`);
const googleRefreshToken = letters(URL_SAFE, 40, 90).map((text) => `1//0${text}`);
const googleClientSecret = letters(URL_SAFE, 28, 28).map((text) => `GOCSPX-${text}`);
const sasl = letters(WORD, 20, 60).map((token) =>
  Buffer.from(`user=a@b.example\x01auth=Bearer ${token}\x01\x01`).toString('base64'),
);
const webhookSecret = letters(`${WORD}+/`, 43, 43).map((text) => `whsec_${text}=`);
const shaped = fc.oneof(
  webhookSecret,
  jwt,
  microsoftRefreshToken,
  personalRefreshToken,
  personalAccessToken,
  googleAccessToken,
  googleRefreshToken,
  googleClientSecret,
  sasl,
);
const opaque = letters(WORD, 24, 60);

const before = fc.constantFrom('', 'the provider said: ', '{"message":"', "('", 'GET /?a=b&x=', 'line\n', '[');
const after = fc.constantFrom('', ' and went away', '"}', "')", '&y=1', '\n', ']', ', then');

/** No part of a planted secret that would be worth anything is left. */
const assertGone = (text: string, secret: string): void => {
  assert.ok(!text.includes(secret.slice(-24)) && !text.includes(secret.slice(0, 32)), text);
};

describe('redactText', () => {
  it('leaves nothing of a token whose shape is known, wherever it stands', () => {
    fc.assert(
      fc.property(before, shaped, after, (head, secret, tail) => {
        const text = redactText(`${head}${secret}${tail}`);
        assertGone(text, secret);
        assert.ok(text.startsWith(head));
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves nothing of the link in a notice, and tells where it led', () => {
    const token = 'x1Y-_'.repeat(9).slice(0, 43);
    const line = `GET https://broker.example/reconnect/${token} crashed`;
    assert.equal(redactText(line), 'GET https://broker.example/reconnect/[redacted] crashed');
  });

  it('leaves nothing of an opaque secret in a header, a query, a form or JSON', () => {
    const name = fc.constantFrom(
      'access_token',
      'refresh_token',
      'id_token',
      'client_secret',
      'code',
      'code_verifier',
      'device_code',
      'state',
      'password',
      'assertion',
    );
    const setting = fc.oneof(
      fc.constantFrom('Authorization: Bearer ', 'authorization: basic ', 'BEARER ').map((head) => [head, ''] as const),
      fc
        .tuple(fc.constantFrom('https://x.example/?', 'https://x.example/?a=1&', 'grant_type=x&', ''), name)
        .map(([head, key]) => [`${head}${key}=`, '&b=2'] as const),
      fc
        .tuple(fc.constantFrom('{"', '{"a":1,"', '{ "'), name, fc.constantFrom('":"', '": "'))
        .map(([head, key, colon]) => [`${head}${key}${colon}`, '"}'] as const),
    );
    fc.assert(
      fc.property(setting, opaque, ([head, tail], secret) => {
        assertGone(redactText(`${head}${secret}${tail}`), secret);
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves ordinary lines as they are', () => {
    for (const line of [
      'Microsoft answered with HTTP status 503.',
      '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.',
      'scan@contoso.example',
      'sub_0mx3xkao0ztvcwxeru92m',
      '<sub_0mx3xkao0ztvcwxeru92m@contoso.example>',
      '7f3c1b52-9b7e-4f0d-8a3e-2f6d5c1e0a00',
    ]) {
      assert.equal(redactText(line), line);
    }
  });
});

describe('redactFields', () => {
  it('leaves nothing of any value whose name is that of a secret', () => {
    const name = fc.constantFrom(
      'authorization',
      'Authorization',
      'cookie',
      'set-cookie',
      'password',
      'token',
      'secret',
      'assertion',
      'access_token',
      'accessToken',
      'refresh_token',
      'refreshToken',
      'client_secret',
      'clientSecret',
      'code_verifier',
      'codeVerifier',
      'admin_key',
      'adminKey',
      'sasl_xoauth2',
      'enrolmentToken',
      'registration_access_token',
      'browserSecret',
    );
    fc.assert(
      fc.property(name, opaque, fc.boolean(), (field, secret, inList) => {
        assertGone(JSON.stringify(redactFields({ [field]: inList ? [secret] : secret })), secret);
      }),
    );
  });

  it('leaves nothing of a token under an innocent name, also in a list', () => {
    fc.assert(
      fc.property(before, shaped, after, fc.boolean(), (head, secret, tail, inList) => {
        const text = `${head}${secret}${tail}`;
        assertGone(JSON.stringify(redactFields({ detail: inList ? ['fine', text] : text })), secret);
      }),
    );
  });

  it('leaves what is harmless as it is', () => {
    const fields = { mailbox_id: 'mbx_1', expires_in: 3600, rotated: true, codes: ['a', 'b'], nothing: undefined };
    assert.deepEqual(redactFields(fields), fields);
  });
});
