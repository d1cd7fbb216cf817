import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientSecretsOf } from '../../shared/config/client-secrets.ts';
import { ConfigError } from '../../shared/config/config-document.ts';
import { mailApis } from '../../shared/config/mail-apis.ts';
import { parseMailServers } from '../../shared/config/mail-servers.ts';
import { parseBrokerConfig } from '../../shared/config/provider-config.ts';
import { PROVIDERS } from '../../shared/domain/provider.ts';

const ENDPOINTS = { authorization_endpoint: 'https://a.example/', token_endpoint: 'https://a.example/token' };
const GUID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const OTHER_GUID = '6AD3C0DE-0000-4000-8000-000000000000';

const parse = (provider: 'microsoft' | 'google', entry: object) =>
  parseBrokerConfig(JSON.stringify({ providers: { [provider]: { client_id: 'id', ...entry } } }), 'broker.json');

const secretsOf = (provider: 'microsoft' | 'google', entry: object) => {
  const read = parse(provider, entry).providers[provider];
  assert.ok(read);
  return clientSecretsOf(read);
};

const refusal = (provider: 'microsoft' | 'google', entry: object): string => {
  try {
    parse(provider, entry);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    for (const secret of ['made-up', GUID, OTHER_GUID]) assert.ok(!error.message.includes(secret), error.message);
    return error.message;
  }
  return assert.fail('expected a refusal');
};

describe('the client secrets of a provider entry', () => {
  for (const provider of PROVIDERS) {
    it(`${provider}: are one, with or without the day it expires`, () => {
      assert.deepEqual(secretsOf(provider, { client_secret: 'made-up' }), [{ value: 'made-up', expiresOn: undefined }]);
      const dated = { client_secret: 'made-up', client_secret_expires_on: '2027-03-01' };
      assert.deepEqual(secretsOf(provider, dated), [{ value: 'made-up', expiresOn: '2027-03-01' }]);
    });

    it(`${provider}: are a list of one or two, in their order`, () => {
      const first = { value: 'made-up-1', expires_on: '2028-02-29' };
      assert.deepEqual(secretsOf(provider, { client_secrets: [first] }), [
        { value: 'made-up-1', expiresOn: '2028-02-29' },
      ]);
      assert.deepEqual(secretsOf(provider, { client_secrets: [first, { value: 'made-up-2' }] }), [
        { value: 'made-up-1', expiresOn: '2028-02-29' },
        { value: 'made-up-2', expiresOn: undefined },
      ]);
    });

    const one = { client_secret: 'made-up' };
    const REFUSED: readonly (readonly [what: string, entry: object, says: RegExp])[] = [
      ['none at all', {}, new RegExp(`${provider}\\.client_secret is missing\\.$`)],
      [
        'both forms',
        { ...one, client_secrets: [{ value: 'made-up-2' }] },
        /client_secrets stands beside client_secret/,
      ],
      ['an empty list', { client_secrets: [] }, /client_secrets must be a list of one or two/],
      [
        'three',
        { client_secrets: ['1', '2', '3'].map((n) => ({ value: `made-up-${n}` })) },
        /client_secrets must be a list of one or two/,
      ],
      ['bare text in the list', { client_secrets: ['made-up'] }, /client_secrets\.0 must be/],
      [
        'an entry without value',
        { client_secrets: [{ expires_on: '2027-03-01' }] },
        /client_secrets\.0\.value is missing/,
      ],
      ['an empty one', { client_secrets: [{ value: 'made-up' }, { value: '' }] }, /client_secrets\.1\.value must have/],
      [
        'an unknown field',
        { client_secrets: [{ value: 'made-up', expires: 'x' }] },
        /client_secrets\.0\.expires is not known/,
      ],
      [
        'the same one twice',
        { client_secrets: [{ value: 'made-up' }, { value: 'made-up' }] },
        /client_secrets\.1\.value is the same as the first/,
      ],
      [
        'a day for the other form',
        { client_secrets: [{ value: 'made-up' }], client_secret_expires_on: '2027-03-01' },
        /client_secret_expires_on belongs to client_secret/,
      ],
      ...['2027-02-29', '2027-13-01', '1.3.2027', '2027-3-1', '2027-03-01T00:00:00Z', '', 'made-up'].map(
        (day) =>
          [
            `the day "${day}"`,
            { ...one, client_secret_expires_on: day },
            /expires_on must be a date, written YYYY-MM-DD/,
          ] as const,
      ),
      [
        'a day that is none in the list',
        { client_secrets: [{ value: 'made-up' }, { value: 'made-up-2', expires_on: '2027-02-31' }] },
        /client_secrets\.1\.expires_on must be a date/,
      ],
    ];
    for (const [what, entry, says] of REFUSED) {
      it(`${provider}: may not be ${what}`, () => assert.match(refusal(provider, entry), says));
    }
  }

  it('may not be the id of a secret at Microsoft, in either form, and it is said which', () => {
    const explained = 'is a GUID: this is the secret ID; copy the secret Value instead';
    assert.match(refusal('microsoft', { client_secret: GUID }), new RegExp(`microsoft\\.client_secret ${explained}`));
    const second = { client_secrets: [{ value: 'made-up' }, { value: GUID }] };
    assert.match(
      refusal('microsoft', second),
      new RegExp(`: providers\\.microsoft\\.client_secrets\\.1\\.value ${explained}`),
    );
    const both = refusal('microsoft', { client_secrets: [{ value: OTHER_GUID }, { value: GUID }] });
    for (const position of [0, 1]) assert.match(both, new RegExp(`client_secrets\\.${position}\\.value is a GUID`));
  });

  it('may look like a GUID at another server, and at Google', () => {
    for (const entry of [{ client_secret: GUID }, { client_secrets: [{ value: GUID }, { value: OTHER_GUID }] }]) {
      assert.equal(secretsOf('microsoft', { ...entry, endpoints: ENDPOINTS })[0].value, GUID);
      assert.equal(secretsOf('google', entry)[0].value, GUID);
    }
  });
});

describe('the rotation of refresh tokens in a provider entry', () => {
  for (const provider of PROVIDERS) {
    it(`${provider}: is said of a server behind endpoints, and of no other`, () => {
      const entry = { client_secret: 'made-up', refresh_token_rotation: 'lenient' };
      const read = parse(provider, { ...entry, endpoints: ENDPOINTS }).providers[provider];
      assert.equal(read?.refresh_token_rotation, 'lenient');
      assert.match(refusal(provider, entry), /refresh_token_rotation is for a server behind endpoints/);
      const odd = { ...entry, endpoints: ENDPOINTS, refresh_token_rotation: 'never' };
      assert.match(refusal(provider, odd), /refresh_token_rotation must be/);
    });
  }
});

describe('the entries of organizations', () => {
  const ID = 'org_k3a2bxxxxxxxxxxx';
  const CLIENT = { client_id: 'theirs', client_secret: 'made-up' };
  const document = (providers: unknown, id = ID) => JSON.stringify({ organizations: { [id]: { providers } } });

  /** What is said of it, which repeats no value. */
  const said = (text: string): string => {
    try {
      parseBrokerConfig(text, 'broker.json');
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      assert.ok(!error.message.includes('made-up') && !error.message.includes(GUID), error.message);
      return error.message;
    }
    return assert.fail('expected a refusal');
  };

  it('are none where none are entered', () => {
    assert.deepEqual(parseBrokerConfig('{}', 'test').organizations, {});
  });

  it('are as those of the broker, of one provider or both', () => {
    const client_secrets = [{ value: 'made-up-1', expires_on: '2027-03-01' }, { value: 'made-up-2' }];
    const microsoft = { client_id: 'theirs', client_secrets, tenant: 'contoso.example', endpoints: ENDPOINTS };
    const read = parseBrokerConfig(document({ microsoft, google: CLIENT }), 'test').organizations[ID]?.providers;
    assert.ok(read?.microsoft);
    assert.deepEqual(read.microsoft, microsoft);
    assert.deepEqual(
      clientSecretsOf(read.microsoft).map(({ expiresOn }) => expiresOn),
      ['2027-03-01', undefined],
    );
    assert.deepEqual(read.google, CLIENT);
    assert.equal(
      parseBrokerConfig(document({ microsoft: CLIENT }), 't').organizations[ID]?.providers.google,
      undefined,
    );
  });

  for (const provider of PROVIDERS) {
    it(`${provider}: have no API at another address, and it is said where that belongs`, () => {
      const entry = { ...CLIENT, api: { url: 'https://made-up.example' } };
      assert.ok(said(document({ [provider]: entry })).includes(`${provider}.api is of the broker's own entry`));
    });

    for (const protocol of ['smtp', 'pop', 'imap']) {
      it(`${provider}: have no ${protocol} server, and it is said where that belongs`, () => {
        const entry = { ...CLIENT, [protocol]: { host: 'made-up.example', port: 25, security: 'tls' } };
        const where = `organizations.${ID}.providers.${provider}.${protocol}`;
        assert.ok(
          said(document({ [provider]: entry })).includes(
            `${where} is of the broker's own entry, under providers at the top: leave it out here`,
          ),
        );
      });
    }

    for (const [what, entry, says] of [
      ['no secret', { client_id: 'id' }, /client_secret is missing/],
      ['both forms', { ...CLIENT, client_secrets: [{ value: 'made-up-2' }] }, /stands beside client_secret/],
      ['a day that is none', { ...CLIENT, client_secret_expires_on: '2027-02-31' }, /must be a date/],
      ['an unknown field', { ...CLIENT, clientsecret: 'made-up' }, /clientsecret is not known/],
      ['a rotation without endpoints', { ...CLIENT, refresh_token_rotation: 'lenient' }, /is for a server behind/],
    ] as const) {
      it(`${provider}: are refused with ${what}, as those of the broker`, () => {
        const message = said(document({ [provider]: entry }));
        assert.match(message, says);
        assert.ok(message.includes(`organizations.${ID}.providers.${provider}`), message);
      });
    }
  }

  it('may not have the id of a secret at Microsoft', () => {
    assert.match(said(document({ microsoft: { ...CLIENT, client_secret: GUID } })), /client_secret is a GUID/);
  });

  it('are of an organization by its id, of providers that there are, and of nothing else', () => {
    assert.match(said(document({ microsoft: CLIENT }, 'Contoso')), /organizations\.Contoso is not the id of an org/);
    assert.match(said(document({ yahoo: CLIENT })), /yahoo is not known/);
    assert.match(said(JSON.stringify({ organizations: { [ID]: { microsoft: CLIENT } } })), /microsoft is not known/);
  });
});

describe('the address of a mail API', () => {
  const SECRET = { client_secret: 'made-up' };

  it("is the provider's own where none is entered", () => {
    const urlFor = mailApis(parseBrokerConfig('{}', 'test').providers);
    assert.equal(urlFor('microsoft'), 'https://graph.microsoft.com/v1.0');
    assert.equal(urlFor('google'), 'https://gmail.googleapis.com');
  });

  it('is what is entered, in either document', () => {
    const api = { url: 'https://graph.example/v1.0/' };
    assert.equal(mailApis(parse('microsoft', { ...SECRET, api }).providers)('microsoft'), 'https://graph.example/v1.0');
    const servers = parseMailServers(
      JSON.stringify({ google: { api: { url: 'http://localhost:8788/gmail' } } }),
      'test',
    );
    assert.equal(mailApis(servers)('google'), 'http://localhost:8788/gmail');
  });

  for (const url of ['http://graph.example', 'graph.example', 'ftp://localhost/', '']) {
    it(`may not be ${JSON.stringify(url)}`, () => {
      assert.match(refusal('microsoft', { ...SECRET, api: { url } }), /microsoft\.api\.url/);
    });
  }

  it('is an address and nothing more', () => {
    assert.match(
      refusal('google', { ...SECRET, api: { url: 'https://x.example', key: 'made-up' } }),
      /api\.key is not known/,
    );
  });
});
