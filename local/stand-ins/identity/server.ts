import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Provider } from 'oidc-provider';
import { openDatabase } from '../../../shared/adapters/sqlite/open-database.ts';
import type { Audience, ProviderName } from '../../../shared/domain/provider.ts';
import { faultBoard, type HttpFault, performFault, type Times } from '../faults.ts';
import { closeServer, listenOn, localUrl, readBody, sendHtml, sendJson, withBody } from '../http.ts';
import { PAGE_HEADERS } from '../layout.ts';
import { testControls } from '../test-controls.ts';
import { googleShape } from './google.ts';
import { interactionHandler } from './interactions.ts';
import { microsoftShape } from './microsoft.ts';
import { errorPage } from './pages.ts';
import type { IdentityPlace, IdentityShape, StandInClient, StandInEndpoints } from './shape.ts';
import { type IdentityStorage, identityStorage, type Rotation } from './storage.ts';
import { googleTokenCheck, microsoftTokenCheck, type TokenVerdict } from './token-check.ts';

const SHAPES = { microsoft: microsoftShape, google: googleShape } as const;
const TOKEN_CHECKS = { microsoft: microsoftTokenCheck, google: googleTokenCheck } as const;

const sessionCookie = (provider: ProviderName): string => `${provider}_session`;

/** As the real ones behave (facts M52, G6). */
const USUAL_ROTATION = { microsoft: 'lenient', google: 'none' } as const satisfies Record<ProviderName, Rotation>;

/** An hour, at both (facts G4, M57). */
const USUAL_ACCESS_TOKEN_SECONDS = 3600;

export interface IdentityOptions {
  readonly provider: ProviderName;
  readonly databasePath: string;
  readonly clients: readonly StandInClient[];
  readonly rotate?: Rotation | undefined;
  readonly accessTokenTtlSeconds?: number | undefined;
}

/** A real OAuth server with the provider's peculiarities. */
export interface IdentityStandIn {
  readonly provider: ProviderName;
  readonly url: string;
  readonly endpoints: StandInEndpoints;
  /** Whether the provider's servers would take this access token, and for whom. `scope`: another than mail is sent with. */
  verifyToken(accessToken: string, audience: Audience, scope?: string): Promise<TokenVerdict>;
  setRotation(rotation: Rotation): void;
  /** Of access tokens given from now on; whole seconds. */
  setAccessTokenTtl(seconds: number): void;
  /** Ends all that the account ever permitted, as an administrator would. Google's access tokens die too. */
  revokeAccount(address: string): void;
  /**
   * Takes the account's consent to one scope away, from all that it signed in for and will, or gives it back, as an
   * administrator would. Microsoft's; Google has one scope for everything.
   */
  setConsent(address: string, scope: string, given: boolean): void;
  /** Replaces the fault at that place; undefined clears it. */
  setFault(place: IdentityPlace, fault: HttpFault | undefined, times?: Times): void;
  clearFaults(): void;
  /** Calls by place, and `token:<grant_type>`; faulted ones included. */
  counters(): Readonly<Record<string, number>>;
  resetCounters(): void;
  close(): Promise<void>;
}

/** The stand-in without a listener of its own; `handle` answers whatever is below the path of `baseUrl`. */
export const identityStandIn = (options: IdentityOptions, baseUrl: string) => {
  const { provider, clients } = options;
  let rotation = options.rotate ?? USUAL_ROTATION[provider];
  let accessTokenTtlSeconds = options.accessTokenTtlSeconds ?? USUAL_ACCESS_TOKEN_SECONDS;

  const withheld = new Set<string>();
  const consentKey = (address: string, scope: string) => `${address.trim().toLowerCase()} ${scope}`;

  const database = openDatabase(options.databasePath);
  const storage = identityStorage(database, provider, () => rotation);
  const shape: IdentityShape = SHAPES[provider]({
    baseUrl,
    storage,
    clients,
    accessTokenTtlSeconds: () => accessTokenTtlSeconds,
    isWithheld: (address, scope) => withheld.has(consentKey(address, scope)),
  });
  const cookieNames = {
    session: sessionCookie(provider),
    interaction: `${provider}_interaction`,
    resume: `${provider}_resume`,
  };
  const server = new Provider(shape.endpoints.issuer, {
    ...shape.configuration,
    // Cookies ignore ports: without names of their own, two stand-ins on one host would overwrite each other's.
    cookies: { keys: [storage.cookieKey], names: cookieNames },
    rotateRefreshToken: () => rotation !== 'none',
    renderError: async (ctx, { error, error_description: description = '' }) => {
      ctx.set(PAGE_HEADERS);
      ctx.body = await errorPage(provider, 'Sign-in not possible', `${error}: ${description}`);
    },
  });
  shape.attach(server);

  const board = faultBoard<IdentityPlace, HttpFault>();
  const standIn = {
    provider,
    url: baseUrl,
    endpoints: shape.endpoints,
    verifyToken: TOKEN_CHECKS[provider](storage),
    setRotation: (wanted: Rotation): void => {
      rotation = wanted;
    },
    setAccessTokenTtl: (seconds: number): void => {
      accessTokenTtlSeconds = seconds;
    },
    revokeAccount: storage.revokeAccount,
    setConsent: (address: string, scope: string, given: boolean): void => {
      if (given) withheld.delete(consentKey(address, scope));
      else withheld.add(consentKey(address, scope));
    },
    setFault: board.set,
    clearFaults: board.clear,
    counters: board.counters,
    resetCounters: board.resetCounters,
    close: async (): Promise<void> => database.close(),
  } satisfies IdentityStandIn;
  return { standIn, handle: requestHandler({ server, shape, storage, baseUrl, board }) };
};

type Board = ReturnType<typeof faultBoard<IdentityPlace, HttpFault>>;

const requestHandler = ({
  server,
  shape,
  storage,
  baseUrl,
  board,
}: {
  readonly server: Provider;
  readonly shape: IdentityShape;
  readonly storage: IdentityStorage;
  readonly baseUrl: string;
  readonly board: Board;
}) => {
  const prefix = new URL(baseUrl).pathname.replace(/\/$/, '');
  const serveOAuth = server.callback();
  const serveInteraction = interactionHandler(server, shape, storage);

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://any');
    const path = shape.canonicalPath(url.pathname.slice(prefix.length));
    if (path.startsWith('/interaction/')) return serveInteraction(request, response);

    const place = shape.placeOf(path);
    if (place === undefined) {
      if (path === '/common/oauth2/deviceauth' && request.method === 'GET') forgetSession(request, response, shape);
      request.url = path.startsWith('/.well-known/') ? path : `${prefix}${path}${url.search}`;
      await serveOAuth(request, response);
      return;
    }
    board.count(place);
    const form = request.method === 'POST' ? await readForm(request) : undefined;
    if (place === 'token' && form !== undefined) board.count(`token:${form.get('grant_type') ?? ''}`);
    if ((await performFault(board.take(place), response)) === 'ended') return;

    const parameters = new URLSearchParams([...url.searchParams, ...(form ?? [])]);
    const reply = (await shape.answer(place, path, parameters)) ?? (form && shape.prepareForm(place, form));
    if (reply !== undefined) return sendJson(response, reply.status, reply.body);
    if (place === 'authorize') {
      shape.prepareAuthorization(url.searchParams);
      forgetSession(request, response, shape);
    }
    request.url = `${prefix}${path}${url.search}`;
    await serveOAuth(form === undefined ? request : withBody(request, form.toString()), response);
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      await serve(request, response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else
        sendHtml(response, 500, PAGE_HEADERS, await errorPage(shape.provider, 'Fault in the stand-in', String(error)));
    }
  };
};

const readForm = async (request: IncomingMessage): Promise<URLSearchParams> =>
  new URLSearchParams((await readBody(request))?.toString('utf8') ?? '');

/** Every sign-in begins at the sign-in page: no account sticks to the browser, no two sign-ins share a grant. */
const forgetSession = (request: IncomingMessage, response: ServerResponse, { provider }: IdentityShape): void => {
  const name = sessionCookie(provider);
  const kept = (request.headers.cookie ?? '').split('; ').filter((cookie) => !cookie.startsWith(name));
  request.headers.cookie = kept.join('; ');
  // oidc-provider sets a cookie for the new session only once it has something to remember.
  response.appendHeader('set-cookie', `${name}=; path=/; max-age=0; httponly`);
};

export interface IdentityServerOptions extends IdentityOptions {
  /** 0, or one that is taken: any free one. */
  readonly port: number;
  readonly host: string;
  /** What browsers and clients call it, when not `http://localhost:{port}`. */
  readonly publicUrl?: string | undefined;
  /** Serves `/_test/` (see test-controls.ts). */
  readonly testControls?: boolean | undefined;
}

/** One identity stand-in on a port of its own. */
export const startIdentityStandIn = async (options: IdentityServerOptions): Promise<IdentityStandIn> => {
  const server = createServer();
  const port = await listenOn(server, options.host, options.port);
  const baseUrl = (options.publicUrl ?? localUrl(options.host, port)).replace(/\/$/, '');
  const { standIn, handle } = identityStandIn(options, baseUrl);
  const serveControls =
    options.testControls === true ? getRequestListener(testControls({ [options.provider]: standIn }).fetch) : undefined;
  server.on('request', (request, response) => {
    const forControls = serveControls !== undefined && request.url?.startsWith('/_test/') === true;
    return forControls ? serveControls(request, response) : handle(request, response);
  });
  return {
    ...standIn,
    close: async () => {
      await closeServer(server);
      await standIn.close();
    },
  };
};
