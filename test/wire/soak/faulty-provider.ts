import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { close, listen } from '../../fakes/aws-json.ts';
import { happens, type Weather } from './unreliable.ts';

const SERVER_FAULTS = [500, 502, 503, 504] as const;

/**
 * Stands before the token endpoint of a real OAuth server. What it answers itself never reaches that server, so that no
 * refresh token is used up by a fault: those the server retires are written down, and nobody may bring one again.
 */
export const startFaultyProvider = async (tokenEndpoint: string, weather: Weather, count: (fault: string) => void) => {
  const used = new Set<string>();
  const reused: string[] = [];
  /** Retired by the server, and the caller was gone by then: the one window in which a sign-in is lost. */
  const lost: string[] = [];
  let [calls, successes, faults] = [0, 0, 0];
  /** Every call fails: an outage. */
  let down = false;

  const answerItself = (response: ServerResponse): boolean => {
    const pick = weather.random.fraction();
    if (down || happens(weather, 0.04)) {
      count('provider 5xx');
      const status = SERVER_FAULTS[Math.floor(pick * SERVER_FAULTS.length)] ?? 503;
      response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Something went wrong</h1>');
      return true;
    }
    if (happens(weather, 0.03)) {
      count('provider 429');
      response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '2' }).end('{"error":"throttled"}');
      return true;
    }
    if (happens(weather, 0.04)) {
      count('provider malformed');
      const body = pick < 0.5 ? '<html>captive portal</html>' : '{"token_type":"Bearer","expires_in":3600}';
      response.writeHead(200, { 'content-type': pick < 0.5 ? 'text/html' : 'application/json' }).end(body);
      return true;
    }
    if (happens(weather, 0.02)) {
      count('provider silent');
      return true; // until the caller's time is over
    }
    if (!happens(weather, 0.02)) return false;
    count('provider connection broken');
    response.destroy();
    return true;
  };

  const server = createServer(async (request, response) => {
    const body = await text(request);
    const form = new URLSearchParams(body);
    const refreshToken = form.get('refresh_token') ?? '';
    const isRefresh = form.get('grant_type') === 'refresh_token';
    if (isRefresh) calls++;
    if (isRefresh && used.has(refreshToken)) reused.push(refreshToken);
    if (isRefresh && answerItself(response)) {
      faults++;
      return;
    }
    // As long as a provider takes: so that others come while a call is under way.
    if (isRefresh && weather.bad) await sleep(100 + weather.random.fraction() * 300);
    const reply = await fetch(tokenEndpoint, {
      method: 'POST',
      headers: { 'content-type': request.headers['content-type'] ?? '' },
      body,
    });
    if (isRefresh && reply.ok) {
      successes++;
      used.add(refreshToken);
      if (response.destroyed) lost.push(refreshToken);
    }
    response.writeHead(reply.status, { 'content-type': reply.headers.get('content-type') ?? '' });
    response.end(await reply.text());
  });
  const port = await listen(server);

  return {
    url: `http://127.0.0.1:${port}/token`,
    /** How often a refresh was asked for, what came of it, and tokens that were brought a second time. */
    figures: () => ({ calls, successes, faults, reused: [...reused], lost: [...lost] }),
    setDown: (is: boolean): void => {
      down = is;
    },
    close: () => close(server),
  };
};
