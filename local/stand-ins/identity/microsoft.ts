import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import { INACTIVITY } from '../../../shared/domain/provider.ts';
import { STAND_IN_DOMAINS, STAND_IN_TENANT } from './accounts.ts';
import { entraError, entraErrorBody } from './microsoft-errors.ts';
import { deviceFlowPages } from './pages.ts';
import {
  commonConfiguration,
  type IdentityPlace,
  type IdentityShape,
  isFromDeviceFlow,
  type PlainReply,
  type ShapeContext,
  shapeTokens,
} from './shape.ts';

/** One token is for one of these (facts M5); `outlook.office365.com` is another spelling of the first (M2). */
const RESOURCES: { readonly [resource: string]: { readonly audience: string; readonly scopes: readonly string[] } } = {
  'https://outlook.office.com': {
    audience: 'https://outlook.office.com',
    scopes: ['SMTP.Send', 'IMAP.AccessAsUser.All', 'POP.AccessAsUser.All'],
  },
  'https://outlook.office365.com': {
    audience: 'https://outlook.office.com',
    scopes: ['SMTP.Send', 'IMAP.AccessAsUser.All', 'POP.AccessAsUser.All'],
  },
  'https://graph.microsoft.com': {
    audience: 'https://graph.microsoft.com',
    scopes: ['Mail.Send', 'Mail.ReadWrite', 'User.Read'],
  },
};

const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** About as long as the real ones (1,600 characters of 6 bits), which overflow a 4 KB limit somewhere. */
const REFRESH_TOKEN_BITS = 1_600 * 6;

const TENANT_PATH = new RegExp(
  `^/(?:common|organizations|consumers|${STAND_IN_DOMAINS.microsoft}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/`,
  'i',
);

const PLACES: { readonly [path: string]: IdentityPlace } = {
  '/common/oauth2/v2.0/authorize': 'authorize',
  '/common/oauth2/v2.0/token': 'token',
  '/common/oauth2/v2.0/devicecode': 'devicecode',
  '/common/discovery/v2.0/keys': 'keys',
};

/** Microsoft's endpoints, scopes, ID token and errors (facts 1.1, 1.4, 1.5, 1.9). */
export const microsoftShape = (context: ShapeContext): IdentityShape => {
  const { baseUrl, storage, clients, isWithheld } = context;
  const secretOf = (clientId: string | null) => clients.find((client) => client.clientId === clientId)?.clientSecret;

  /** The app registration "allows public client flows": device flow comes without a secret (facts M33, M34). */
  const signInPublicClient = (form: URLSearchParams): void => {
    const secret = secretOf(form.get('client_id'));
    if (secret !== undefined) form.set('client_secret', secret);
  };

  /** Consent belongs to user, client and permission, so it can be missing for one resource of many (facts M45). */
  const lacksConsent = (form: URLSearchParams): boolean => {
    const { payload } = storage.refreshToken(form.get('refresh_token') ?? '');
    const address = storage.findAccount(payload?.accountId ?? '')?.address;
    if (address === undefined) return false;
    return (form.get('scope') ?? '').split(' ').some((scope) => isWithheld(address, scope));
  };

  return {
    provider: 'microsoft',
    granularConsent: false,
    endpoints: {
      authorization_endpoint: `${baseUrl}/common/oauth2/v2.0/authorize`,
      token_endpoint: `${baseUrl}/common/oauth2/v2.0/token`,
      device_authorization_endpoint: `${baseUrl}/common/oauth2/v2.0/devicecode`,
      jwks_uri: `${baseUrl}/common/discovery/v2.0/keys`,
      issuer: `${baseUrl}/${STAND_IN_TENANT}/v2.0`,
    },
    configuration: configuration(context),
    canonicalPath: (path) => {
      const common = path.replace(TENANT_PATH, '/common/');
      return common === '/common/v2.0/.well-known/openid-configuration' ? '/.well-known/openid-configuration' : common;
    },
    placeOf: (path) => PLACES[path],
    prepareAuthorization: (query) => {
      // oidc-provider gives no refresh token without it; Microsoft asks for `offline_access` alone (facts M1).
      if (query.get('prompt') !== 'none') query.set('prompt', 'consent');
    },
    prepareForm: (place, form): PlainReply | undefined => {
      if (place === 'devicecode') signInPublicClient(form);
      if (place !== 'token') return undefined;
      // MSAL sends the name of the draft.
      if (form.get('grant_type') === 'device_code') form.set('grant_type', DEVICE_CODE_GRANT);
      const ofDeviceFlow =
        form.get('grant_type') === DEVICE_CODE_GRANT ||
        isFromDeviceFlow(storage.refreshToken(form.get('refresh_token') ?? '').payload);
      if (lacksConsent(form)) return { status: 400, body: entraErrorBody('not_consented') };
      if (!ofDeviceFlow) return undefined;
      if (form.has('client_secret')) return { status: 401, body: entraErrorBody('secret_from_public_client') };
      signInPublicClient(form);
      return undefined;
    },
    answer: async () => undefined,
    attach: (server) => {
      shapeTokens(server.RefreshToken, '1.AX');
      server.on('grant.success', dressTokenReply);
      server.on('grant.error', (ctx, error) => {
        const reply = entraError(error, storage.refreshToken(String(ctx.oidc.params?.refresh_token ?? '')).state);
        ctx.status = reply.status;
        ctx.body = reply.body;
      });
      server.on('device_authorization.success', (_, body) => {
        // Without `interval` MSAL polls in a tight loop. Microsoft sends no `verification_uri_complete` (facts M30).
        body.interval = 5;
        body.message = `To sign in, open ${body.verification_uri} in a browser and enter the code ${body.user_code}.`;
        delete body.verification_uri_complete;
      });
    },
  };
};

const resourcesIn = (scopeText: string): string[] => {
  const named = scopeText
    .split(' ')
    .map((scope) => scope.slice(0, scope.lastIndexOf('/')))
    .filter((resource) => resource in RESOURCES);
  return [...new Set(named)];
};

/** At the token endpoint `scope` decides which of the consented resources the token is for. */
const askedScope = (ctx: KoaContextWithOIDC): string => {
  const { scope } = ctx.oidc.body ?? ctx.oidc.params ?? {};
  return typeof scope === 'string' ? scope : String(ctx.oidc.params?.scope ?? '');
};

const configuration = (context: ShapeContext): Configuration => {
  const prefix = new URL(context.baseUrl).pathname.replace(/\/$/, '');
  return {
    ...commonConfiguration(context, INACTIVITY.microsoft.seconds, [DEVICE_CODE_GRANT]),
    routes: {
      authorization: `${prefix}/common/oauth2/v2.0/authorize`,
      token: `${prefix}/common/oauth2/v2.0/token`,
      device_authorization: `${prefix}/common/oauth2/v2.0/devicecode`,
      code_verification: `${prefix}/common/oauth2/deviceauth`,
      jwks: `${prefix}/common/discovery/v2.0/keys`,
      end_session: `${prefix}/common/oauth2/v2.0/logout`,
    },
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    claims: { openid: ['sub', 'oid', 'tid', 'ver'], profile: ['name', 'preferred_username'], email: ['email'] },
    findAccount: (_, subject) => {
      const account = context.storage.findAccount(subject);
      if (account === undefined) return undefined;
      const { name, address } = account;
      const claims = { oid: subject, tid: STAND_IN_TENANT, ver: '2.0', name, preferred_username: address };
      return { accountId: subject, claims: () => ({ sub: subject, email: address, ...claims }) };
    },
    // Claims that real ones carry; nobody but the resource may read them (facts M11).
    extraTokenClaims: (_, token) => ({
      tid: STAND_IN_TENANT,
      appid: token.clientId ?? '',
      upn: 'accountId' in token ? context.storage.findAccount(token.accountId)?.address : '',
      ver: '1.0',
    }),
    formats: {
      bitsOfOpaqueRandomness: (_, token) => (token.kind === 'RefreshToken' ? REFRESH_TOKEN_BITS : 256),
    },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      deviceFlow: { enabled: true, ...deviceFlowPages },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx, _, oneOf) => {
          const asked = resourcesIn(askedScope(ctx));
          if (oneOf === undefined) return asked;
          return asked.find((resource) => oneOf.includes(resource)) ?? oneOf[0];
        },
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => {
          const { audience = resource, scopes = [] } = RESOURCES[resource] ?? {};
          return {
            audience,
            scope: scopes.map((scope) => `${resource}/${scope}`).join(' '),
            accessTokenFormat: 'jwt',
            accessTokenTTL: context.accessTokenTtlSeconds(),
          };
        },
      },
    },
  };
};

/** `client_info` always: a reply without it changes the account's identity in MSAL's cache. */
const dressTokenReply = (ctx: KoaContextWithOIDC): void => {
  const body = ctx.body as { [name: string]: unknown };
  const clientInfo = JSON.stringify({ uid: ctx.oidc.entities.Account?.accountId, utid: STAND_IN_TENANT });
  body.ext_expires_in = body.expires_in;
  body.client_info = Buffer.from(clientInfo).toString('base64url');
  if (body.refresh_token === ctx.oidc.params?.refresh_token) delete body.refresh_token;
};
