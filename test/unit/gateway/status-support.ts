import { makeMetrics } from '../../../gateway/metrics.ts';
import { type StatusDeps, statusApp } from '../../../gateway/status/app.ts';
import type { Actions, GatewayStatus, QueueEntry } from '../../../gateway/status/status.ts';
import { type BrokerError, brokerError } from '../../../shared/domain/errors.ts';
import { fail, ok } from '../../../shared/domain/result.ts';
import { manualClock } from '../../fakes/manual-clock.ts';
import { memoryLog } from '../../fakes/memory-log.ts';
import { seededRandom } from '../../fakes/seeded-random.ts';

export const NOW = Date.UTC(2026, 11, 1) / 1000;
export const PASSWORD = 'a password that was made up';

export const entry = (
  change: Partial<QueueEntry> = {},
  submission: Partial<QueueEntry['submission']> = {},
): QueueEntry => ({
  submission: {
    id: 'sub_0001',
    organizationId: 'org_1',
    clientId: 'dev_copier',
    slot: 'scan',
    mailboxId: 'mbx_1',
    account: 'scanner@contoso.example',
    messageId: '<1@contoso.example>',
    envelope: { from: 'scanner@contoso.example', to: ['ann@contoso.example', 'bob@contoso.example'] },
    delivered: [],
    rejected: [],
    sizeBytes: 1_572_864,
    acceptedAt: NOW - 7200,
    attempts: 1,
    status: { state: 'queued' },
    ...submission,
  },
  state: 'held',
  reason: 'sign_in_lapsed',
  response: '535 5.7.139 ask ann@contoso.example',
  deviceName: 'Copier, 2nd floor',
  ...change,
});

/** A gateway on a good day, but for one message. */
export const goodDay = (change: Partial<GatewayStatus> = {}): GatewayStatus => ({
  about: () => ({
    name: 'gateway.office.example',
    version: '1.2.3',
    startedAt: NOW - 86_400,
    way: 'direct',
    brokerUrl: 'https://broker.example',
  }),
  broker: () => ({ state: 'reachable', since: NOW - 3600 }),
  listeners: () => [
    {
      name: 'smtp-2525',
      protocol: 'smtp',
      host: '0.0.0.0',
      port: 2525,
      security: 'starttls',
      profile: 'legacy',
      isAccepting: true,
    },
    { name: 'pop3-2110', protocol: 'pop3', host: '0.0.0.0', port: 2110, security: 'plain', isAccepting: true },
  ],
  certificate: () => ({ notAfter: NOW + 100 * 86_400, fingerprint: 'AA:BB', authority: undefined }),
  totals: () => ({ messages: { held: 1 }, bytes: 1_572_864, oldestAcceptedAt: NOW - 7200 }),
  queue: () => [entry()],
  errors: () => [
    { at: NOW - 60, kind: 'mail_server_unavailable', detail: 'no answer for ann@contoso.example', subject: 'mbx_1' },
  ],
  devices: () => [
    {
      clientId: 'dev_copier',
      name: 'Copier, 2nd floor',
      address: '192.168.7.20',
      tlsVersion: undefined,
      signedInAt: NOW - 7205,
      lastMessageAt: undefined,
    },
  ],
  spool: async () => ({ isWritable: true, freeBytes: 12_884_901_888 }),
  ...change,
});

export interface Desk {
  readonly done: readonly string[];
  readonly actions: Actions;
}

/** Notes what it is asked to do. */
export const desk = (error?: BrokerError): Desk => {
  const done: string[] = [];
  const note = (what: string) => async (id: string) => {
    done.push(`${what} ${id}`);
    return error === undefined ? ok(undefined) : fail(error);
  };
  return { done, actions: { resend: note('resend'), remove: note('remove'), tryNow: note('try') } };
};

export const basic = (user: string, password: string): { readonly Authorization: string } => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

export const ADMIN = basic('admin', PASSWORD);

/** A gateway's status app, with everything a test may want to look at. */
export const statusOffice = (change: Partial<StatusDeps> = {}) => {
  const log = memoryLog();
  const clock = manualClock(NOW * 1000);
  const app = statusApp({
    status: goodDay(),
    actions: desk().actions,
    metrics: makeMetrics(),
    password: PASSWORD,
    open: false,
    names: ['gateway.office.example'],
    clock,
    random: seededRandom('7'),
    log,
    ...change,
  });
  const get = async (path: string, headers: Readonly<Record<string, string>> = {}, host = '192.168.7.2:8025') => {
    const response = await app.request(`http://${host}${path}`, { headers });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const post = async (
    path: string,
    fields: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = ADMIN,
  ) => {
    const body = new URLSearchParams(fields);
    const response = await app.request(`http://192.168.7.2:8025${path}`, { method: 'POST', body, headers });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  /** As a browser would find it in a page. */
  const formToken = async (): Promise<string> =>
    /name="form_token" value="([^"]+)"/.exec((await get('/', ADMIN)).text)?.[1] ?? '';
  return { app, log, clock, get, post, formToken };
};

export const notNow = brokerError('conflict', 'It is being sent.');
