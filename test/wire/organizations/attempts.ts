import { type Customer, mixedBasic, type Names } from './customer.ts';

export interface Attempt {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Other than 401 and 404, where a standard says so. */
  readonly status?: number;
}

/** What somebody who belongs to one organization can try at a route, naming what is of another. */
type Tries = (me: Customer, names: Names) => readonly Attempt[];

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const JSON_TYPE = { 'content-type': 'application/json' };
const MESSAGE = { 'content-type': 'message/rfc822' };

const form = (fields: Readonly<Record<string, string>>): string => new URLSearchParams(fields).toString();
const basic = (authorization: string) => ({ authorization });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Bodies that would be right if the names were one's own; a route without one takes none. */
const JSON_BODIES: Readonly<Record<string, (names: Names) => object>> = {
  'POST /v1/admin/organizations': () => ({ name: 'X' }),
  'PATCH /v1/admin/organizations/:id': () => ({ name: 'X', enabled: false }),
  'POST /v1/admin/organizations/:id/enrolment-tokens': () => ({}),
  'PATCH /v1/admin/organizations/:id/notifications': () => ({ emails: ['x@example.org'] }),
  'POST /v1/admin/organizations/:id/notifications/secret': () => ({}),
  'PATCH /v1/admin/notifications': () => ({ emails: ['x@example.org'] }),
  'POST /v1/admin/notifications/secret': () => ({}),
  'POST /v1/admin/organizations/:id/devices': () => ({ client_name: 'X' }),
  'PATCH /v1/admin/devices/:client_id': () => ({ client_name: 'X', enabled: false }),
  'POST /v1/admin/devices/:client_id/secret': () => ({}),
  'PUT /v1/admin/devices/:client_id/bindings/:slot': ({ mailbox }) => ({ mailbox_id: mailbox }),
  'POST /v1/admin/organizations/:id/mailboxes': () => ({ provider: 'google', address: 'x@gmail.example' }),
  'PATCH /v1/admin/mailboxes/:id': () => ({ route: 'api' }),
  'POST /v1/admin/mailboxes/:id/sign-ins': () => ({}),
  'POST /v1/admin/mailboxes/:id/test': () => ({ direction: 'send' }),
  'POST /v1/admin/keys': ({ organization }) => ({ name: 'X', organization_id: organization }),
};

/** Every field of every form of the console: each form takes its own. */
const consoleFields = ({ csrfToken }: Customer, names: Names) =>
  form({
    csrf_token: csrfToken,
    name: 'X',
    client_name: 'X',
    address: 'x@gmail.example',
    provider: 'google',
    enabled: 'false',
    slot: 'scan',
    route: 'api',
    mailbox_id: names.mailbox,
    enrolment_token_id: names.enrolmentToken,
    reach: names.organization,
    uses: '1',
    days: '1',
    webhook_url: 'https://x.example.org/',
    emails: 'x@example.org',
    kind_grant_invalid: 'on',
  });

/** The parts of a path that are names, by the part before them and their own. */
const NAMED: readonly (readonly [pattern: RegExp, name: keyof Names])[] = [
  [/\/organizations\/:id\b/, 'organization'],
  [/\/(?:devices|register)\/:(?:id|client_id)\b/, 'device'],
  [/\/mailboxes\/:id\b/, 'mailbox'],
  [/\/sign-ins\/:id\b/, 'signIn'],
  [/\/keys\/:(?:id|admin_key_id)\b/, 'adminKey'],
  [/\/enrolment-tokens\/:enrolment_token_id\b/, 'enrolmentToken'],
  [/\/(?:messages|submissions)\/:(?:id|submission_id)\b/, 'submission'],
];

/** The route's path with the names in it. */
const pathOf = (pattern: string, names: Names): string => {
  const path = NAMED.reduce(
    (left, [part, name]) => left.replace(part, (found) => found.replace(/:\w+$/, names[name])),
    pattern,
  ).replace('/bindings/:slot', '/bindings/scan');
  if (path.includes('/:')) throw new Error(`NAMED does not say what stands for ${path}`);
  return path;
};

/** With the key of an administrator, and with what else somebody of that organization has. */
const adminTries =
  (route: string): Tries =>
  (me, names) => {
    const path = pathOf(route.split(' ')[1] ?? '', names);
    const json = JSON_BODIES[route]?.(names);
    const withBody = json === undefined ? {} : { body: JSON.stringify(json) };
    return [bearer(me.adminKey), basic(me.device.basic), bearer(me.device.registrationToken)].map((authorization) => ({
      path,
      headers: { ...JSON_TYPE, ...authorization },
      ...withBody,
    }));
  };

const consoleTries =
  (route: string): Tries =>
  (me, names) => {
    const [method, pattern = ''] = route.split(' ');
    const headers = { cookie: me.cookie };
    const path = pathOf(pattern, names);
    return [
      method === 'GET' ? { path, headers } : { path, headers: { ...headers, ...FORM }, body: consoleFields(me, names) },
    ];
  };

/** One's own path with another's name in it. */
const MIXED: Readonly<Record<string, Tries>> = {
  'DELETE /v1/admin/organizations/:id/enrolment-tokens/:enrolment_token_id': (me, { enrolmentToken }) => [
    {
      path: `/v1/admin/organizations/${me.names.organization}/enrolment-tokens/${enrolmentToken}`,
      headers: bearer(me.adminKey),
    },
  ],
  'PUT /v1/admin/devices/:client_id/bindings/:slot': (me, { mailbox }) => [
    {
      path: `/v1/admin/devices/${me.names.device}/bindings/fax`,
      headers: { ...JSON_TYPE, ...bearer(me.adminKey) },
      body: JSON.stringify({ mailbox_id: mailbox }),
    },
  ],
  'POST /console/devices/:id/bindings': (me, names) => [
    {
      path: `/console/devices/${me.names.device}/bindings`,
      headers: { cookie: me.cookie, ...FORM },
      body: consoleFields(me, names),
    },
  ],
  'POST /console/organizations/:id/enrolment-tokens/revoke': (me, names) => [
    {
      path: `/console/organizations/${me.names.organization}/enrolment-tokens/revoke`,
      headers: { cookie: me.cookie, ...FORM },
      body: consoleFields(me, names),
    },
  ],
};

/** Lists by a query: of another organization, and on from another's entry. */
const LISTS: Readonly<Record<string, Tries>> = Object.fromEntries(
  ['submissions', 'audit'].flatMap((list): [string, Tries][] => [
    [
      `GET /v1/admin/${list}`,
      (me, { organization, submission }) => [
        { path: `/v1/admin/${list}?organization_id=${organization}`, headers: bearer(me.adminKey) },
        { path: `/v1/admin/${list}?cursor=${submission}`, headers: bearer(me.adminKey), status: 200 },
        { path: `/v1/admin/${list}`, headers: basic(me.device.basic) },
      ],
    ],
    [
      `GET /console/${list}`,
      (me, { organization, submission }) => [
        { path: `/console/${list}?organization_id=${organization}`, headers: { cookie: me.cookie } },
        { path: `/console/${list}?cursor=${submission}`, headers: { cookie: me.cookie }, status: 200 },
      ],
    ],
  ]),
);

/** And of another's mailbox, which is not there whatever else is said. */
const BY_MAILBOX: Readonly<Record<string, Tries>> = {
  'GET /v1/admin/submissions': (me, { mailbox }) => [
    { path: `/v1/admin/submissions?mailbox_id=${mailbox}`, headers: bearer(me.adminKey) },
    {
      path: `/v1/admin/submissions?mailbox_id=${mailbox}&organization_id=${me.names.organization}&state=sent`,
      headers: bearer(me.adminKey),
    },
  ],
  'GET /console/submissions': (me, { mailbox }) => [
    { path: `/console/submissions?mailbox_id=${mailbox}`, headers: { cookie: me.cookie } },
  ],
};

/** Without a name in it, and with nothing to show where an organization has brought none. */
const APP_REGISTRATIONS: Tries = (me) => [
  { path: '/v1/admin/app-registrations', headers: bearer(me.adminKey), status: 200 },
  { path: '/v1/admin/app-registrations', headers: basic(me.device.basic) },
];

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

interface GatewayRequest {
  /** What a gateway is told of what is not its own: never 401, which would be of itself. */
  readonly status: number;
  readonly request: (me: Customer, names: Names) => { readonly query?: string; readonly body: string };
}

/** Every device can be a gateway. */
const GATEWAY_REQUESTS: Readonly<Record<string, GatewayRequest>> = {
  '/v1/gateway/devices': {
    status: 403,
    request: (me, { device }) => ({
      body: JSON.stringify({
        client_id: device,
        client_secret: me.device.clientSecret,
        slot: 'scan',
        address: '10.0.0.7',
      }),
    }),
  },
  '/v1/gateway/tokens': {
    status: 409,
    request: (_me, { mailbox }) => ({
      body: JSON.stringify({ mailbox_id: mailbox, audience: 'smtp', min_ttl_seconds: 1 }),
    }),
  },
  '/v1/gateway/mailboxes/:mailbox_id/pace': {
    status: 409,
    request: () => ({ body: JSON.stringify({ owner: 'run', wants: 'permit' }) }),
  },
  '/v1/gateway/messages': {
    status: 409,
    request: (_me, { device, mailbox }) => ({
      query: `?client_id=${device}&slot=scan&mailbox_id=${mailbox}`,
      body: 'From: x@example.org\r\nTo: y@example.org\r\n\r\nX',
    }),
  },
  '/v1/gateway/reports': {
    status: 200,
    request: (_me, { organization, device, mailbox, submission }) => ({
      body: JSON.stringify({
        submissions: [
          {
            submission: {
              id: submission,
              organization_id: organization,
              client_id: device,
              slot: 'scan',
              mailbox_id: mailbox,
              account: 'x@example.org',
              message_id: '<x>',
              envelope: { from: 'x@example.org', to: ['y@example.org'] },
              delivered: [],
              rejected: [],
              size_bytes: 1,
              accepted_at: 1,
              attempts: 9,
              status: { state: 'failed', at: 1, reason: 'internal' },
            },
          },
        ],
        outboxes: [{ mailbox_id: mailbox, outbox: {} }],
        waiting: [mailbox],
        state: { version: '1', started_at: 1, way: 'direct', queued: 0, oldest_seconds: 0 },
      }),
    }),
  },
};

/** What devices are served with. */
const DEVICES: Readonly<Record<string, Tries>> = {
  'POST /oauth/token': (me, names) => [
    {
      path: '/oauth/token',
      headers: { ...FORM, ...basic(mixedBasic(names, me)) },
      body: form({ grant_type: 'client_credentials' }),
    },
    {
      path: '/oauth/token',
      headers: FORM,
      body: form({ grant_type: 'client_credentials', client_id: names.device, client_secret: me.device.clientSecret }),
    },
    {
      path: '/oauth/token',
      headers: { ...FORM, ...basic(me.device.basic) },
      body: form({ grant_type: DEVICE_CODE, device_code: names.deviceCode }),
      // RFC 6749 section 5.2: invalid_grant.
      status: 400,
    },
    {
      path: '/oauth/token',
      headers: { ...FORM, ...basic(me.device.basic) },
      body: form({ grant_type: 'refresh_token', refresh_token: names.refreshToken }),
      status: 400,
    },
  ],
  'GET /v1/token': (me, names) => [{ path: '/v1/token', headers: basic(mixedBasic(names, me)) }],
  'GET /v1/status': (me, names) => [{ path: '/v1/status', headers: basic(mixedBasic(names, me)) }],
  'POST /v1/messages': (me, names) => [
    {
      path: '/v1/messages',
      headers: { ...MESSAGE, ...basic(mixedBasic(names, me)) },
      body: 'From: x@example.org\r\nTo: y@example.org\r\n\r\nX',
    },
    {
      path: '/v1/messages',
      headers: { ...JSON_TYPE, ...basic(me.device.basic) },
      body: JSON.stringify({ upload_id: names.upload }),
    },
  ],
  'POST /v1/uploads': (me, names) => [
    {
      path: '/v1/uploads',
      headers: { ...JSON_TYPE, ...basic(mixedBasic(names, me)) },
      body: JSON.stringify({ size_bytes: 1 }),
    },
  ],
  'PUT /v1/uploads/:upload_id': (me, names) =>
    ['', '?key=', '?key=made-up'].map((query) => ({
      path: `/v1/uploads/${names.upload}${query}`,
      headers: basic(me.device.basic),
      body: 'X',
    })),
  'GET /v1/messages/:submission_id': (me, names) => [
    { path: `/v1/messages/${names.submission}`, headers: basic(me.device.basic) },
    { path: `/v1/messages/${names.submission}`, headers: basic(mixedBasic(names, me)) },
  ],
  ...Object.fromEntries(
    Object.entries(GATEWAY_REQUESTS).map(([path, { status, request }]): [string, Tries] => [
      `POST ${path}`,
      (me, names) =>
        [request(me, names)].flatMap(({ query = '', body }) => {
          const to = `${path.replace(':mailbox_id', names.mailbox)}${query}`;
          const headers = { ...(query === '' ? JSON_TYPE : MESSAGE), 'idempotency-key': 'sub_of_another' };
          return [
            { path: to, headers: { ...headers, ...basic(me.device.basic) }, body, status },
            { path: to, headers: { ...headers, ...basic(mixedBasic(names, me)) }, body },
          ];
        }),
    ]),
  ),
  'POST /oauth/device_authorization': (me, names) => [
    { path: '/oauth/device_authorization', headers: { ...FORM, ...basic(mixedBasic(names, me)) }, body: '' },
  ],
  'POST /oauth/revoke': (me, names) => [
    {
      path: '/oauth/revoke',
      headers: { ...FORM, ...basic(mixedBasic(names, me)) },
      body: form({ token: names.refreshToken }),
    },
    {
      path: '/oauth/revoke',
      headers: { ...FORM, ...basic(me.device.basic) },
      body: form({ token: names.refreshToken }),
      // RFC 7009 section 2.2: also for a token that there is not.
      status: 200,
    },
  ],
  'POST /oauth/register': (me, names) =>
    [names.enrolmentToken, names.deviceCode].map((token) => ({
      path: '/oauth/register',
      headers: { ...JSON_TYPE, ...bearer(token) },
      body: JSON.stringify({ client_name: me.names.device }),
    })),
  ...Object.fromEntries(
    ['GET', 'PUT', 'DELETE'].map((method): [string, Tries] => [
      `${method} /oauth/register/:client_id`,
      (me, names) =>
        [me.device.registrationToken, me.device.clientSecret, me.adminKey].map((token) => ({
          path: `/oauth/register/${names.device}`,
          headers: { ...JSON_TYPE, ...bearer(token) },
          ...(method === 'PUT' ? { body: JSON.stringify({ client_name: 'X' }) } : {}),
        })),
    ]),
  ),
};

/** Everybody is served alike: nothing here belongs to an organization. */
export const FOR_EVERYBODY = [
  'GET /health',
  'GET /.well-known/oauth-authorization-server',
  'GET /console/style.css',
  'GET /console/icon.svg',
  'POST /console/login',
  'POST /console/logout',
  'POST /console/language',
];

/** Whoever has the link or the code may use it: that is what it is for, and it is drawn at random (design rule 10). */
export const BY_LINK_OR_CODE = [
  'GET /sign-in/:sign_in_id',
  'GET /oauth/callback/:provider',
  'GET /pair',
  'POST /pair',
  'GET /pair/qr.gif',
  'GET /reconnect/:token',
  'POST /reconnect/:token',
];

/** One's own, without a name in it: served, with nothing of another's. */
export const OWN_VIEWS: Readonly<Record<string, (me: Customer) => Attempt>> = {
  'GET /v1/admin/organizations': (me) => ({ path: '/v1/admin/organizations', headers: bearer(me.adminKey) }),
  'GET /v1/admin/submissions': (me) => ({ path: '/v1/admin/submissions?limit=200', headers: bearer(me.adminKey) }),
  'GET /v1/admin/audit': (me) => ({ path: '/v1/admin/audit?limit=200', headers: bearer(me.adminKey) }),
  'GET /v1/status': (me) => ({ path: '/v1/status', headers: basic(me.device.basic) }),
  'GET /v1/token': (me) => ({ path: '/v1/token', headers: basic(me.device.basic) }),
  'GET /': (me) => ({ path: '/', headers: { cookie: me.cookie } }),
  'GET /console/organizations': (me) => ({
    path: '/console/organizations',
    headers: { cookie: me.cookie },
    status: 303,
  }),
  'GET /console/submissions': (me) => ({ path: '/console/submissions', headers: { cookie: me.cookie } }),
  'GET /console/audit': (me) => ({ path: '/console/audit', headers: { cookie: me.cookie } }),
};

/** What to try at a route; undefined where nobody has said so yet. */
export const triesOf = (route: string): Tries | undefined => {
  const [, path = ''] = route.split(' ');
  if (route === 'GET /v1/admin/app-registrations') return APP_REGISTRATIONS;
  const own = DEVICES[route] ?? LISTS[route];
  if (own) return (me, names) => [...own(me, names), ...(BY_MAILBOX[route]?.(me, names) ?? [])];
  if (route in OWN_VIEWS) return () => [];
  const general = path.startsWith('/v1/admin/')
    ? adminTries(route)
    : path.startsWith('/console/')
      ? consoleTries(route)
      : undefined;
  const mixed = MIXED[route] ?? (() => []);
  return general && ((me, names) => [...general(me, names), ...mixed(me, names)]);
};
