import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { tryRedirect } from '../../scripts/cloud-setup/redirect-probe.ts';
import { close, listen } from '../fakes/aws-json.ts';

const REDIRECT_URI = 'https://broker.example/oauth/callback/google';

const serving = async (t: TestContext, answer: RequestListener): Promise<string> => {
  const server = createServer(answer);
  const port = await listen(server);
  t.after(() => close(server));
  return `http://127.0.0.1:${port}`;
};

/** A server that sends browsers on to `location`, whatever they ask. */
const leadingTo = (t: TestContext, location: string): Promise<string> =>
  serving(t, (_request, response) => response.writeHead(302, { location }).end());

const probe = (origin: string) =>
  tryRedirect({ authorizationUrl: async () => `${origin}/authorize?client_id=made-up` }, REDIRECT_URI);

describe('the check of a redirect URI', () => {
  it('takes for registered where the server sends browsers back to, also by way of a page of its own', async (t) => {
    assert.deepEqual(await probe(await leadingTo(t, `${REDIRECT_URI}?error=login_required`)), { is: 'registered' });
    const byWay = await serving(t, ({ url }, response) => {
      const location = url?.startsWith('/authorize') ? '/login' : `${REDIRECT_URI}?error=login_required`;
      response.writeHead(302, { location }).end();
    });
    assert.deepEqual(await probe(byWay), { is: 'registered' });
  });

  it('does not ask another server, and takes nothing for proof that it says', async (t) => {
    let asked = 0;
    const another = await serving(t, (_request, response) => {
      asked++;
      response.writeHead(302, { location: `${REDIRECT_URI}?error=login_required` }).end();
    });
    assert.equal((await probe(await leadingTo(t, `${another}/login`))).is, 'unknown');
    assert.equal(asked, 0);
  });

  it('reads what the server says in the address that it leads to, however that is written', async (t) => {
    for (const query of [
      'redirect_uri%20did%20not%20match',
      'redirect_uri+did+not+match',
      'redirect%5Furi_mismatch%',
    ]) {
      assert.deepEqual(await probe(await leadingTo(t, `/error?100%&why=${query}`)), { is: 'missing' }, query);
    }
  });

  it('says why it knows nothing of a server that leads round in a circle', async (t) => {
    const verdict = await probe(await leadingTo(t, '/authorize?again=100%'));
    assert.deepEqual(verdict, { is: 'unknown', why: 'the provider says it only to a person who signs in' });
  });
});
