import { Readable } from 'node:stream';
import type { GatewayIdentity, ReportedSubmission } from '../../shared/domain/gateway.ts';
import { timeSortedId } from '../../shared/domain/identifiers.ts';
import type { Submission } from '../../shared/domain/submission.ts';
import type { GatewayReport, PassedMessage, PresentedCredential } from '../../shared/ports/gateway-link.ts';
import { makeServeGateway } from '../../shared/usecases/gateways/serve-gateway.ts';
import { now, type Office, type Process, signedInOffice, value, type World } from './support.ts';

/** Where devices stand in the office. */
export const LAN = '10.0.0.7';

export const serviceOf = (process: Process) =>
  makeServeGateway({
    ...process,
    queue: process.mailQueue,
    serverFor: (provider, audience) =>
      audience === 'api' ? undefined : { host: `${audience}.${provider}.example`, port: 587, security: 'starttls' },
    apiFor: (provider) => `https://api.${provider}.example`,
  });

/** One more device of an organization, and what a gateway shows for it. */
export const newDevice = async ({ administration }: Process, organizationId: string, clientName: string) => {
  const { device, clientSecret } = value(await administration.devices.create(organizationId, { clientName }));
  return { device, clientSecret };
};

export const presented = ({ credential }: Pick<Office, 'credential'>, slot = 'scan'): PresentedCredential => ({
  clientId: credential.clientId,
  clientSecret: credential.clientSecret,
  slot,
  address: LAN,
});

/** An office with a gateway of its own, which is a device like others. */
export const gatewayOffice = async (world: World, options: Parameters<typeof signedInOffice>[1] = {}) => {
  const office = await signedInOffice(world, options);
  const { process, organization } = office;
  const { device, clientSecret } = await newDevice(process, organization.id, 'Gateway');
  const gateway: GatewayIdentity = { gatewayId: device.clientId, organizationId: organization.id };
  return {
    ...office,
    gateway,
    gatewayCredential: { clientId: device.clientId, clientSecret },
    link: serviceOf(process)(gateway),
  };
};

export type GatewayOffice = Awaited<ReturnType<typeof gatewayOffice>>;

export const MESSAGE = 'From: scan@contoso.example\r\nTo: ann@contoso.example\r\nSubject: Scan\r\n\r\nSee below.\r\n';

export const passedMessage = (
  { device, mailbox }: Pick<Office, 'device' | 'mailbox'>,
  { text = MESSAGE, ...changes }: Partial<PassedMessage> & { readonly text?: string } = {},
): PassedMessage => ({
  id: 'sub_of_the_gateway',
  clientId: device.clientId,
  slot: 'scan',
  mailboxId: mailbox.id,
  to: ['ann@contoso.example'],
  sizeBytes: Buffer.byteLength(text),
  open: async () => Readable.from([Buffer.from(text)]),
  ...changes,
});

/** A submission as a gateway has it, that sends by itself. */
export const sentByGateway = (
  world: World,
  process: Process,
  { organization, device, mailbox }: Office,
  changes: Partial<Submission> = {},
): Submission => ({
  id: timeSortedId('sub', world.clock.now(), process.random.bytes),
  organizationId: organization.id,
  clientId: device.clientId,
  slot: 'scan',
  mailboxId: mailbox.id,
  account: mailbox.address,
  messageId: '<scan@contoso.example>',
  envelope: { from: mailbox.address, to: ['ann@contoso.example'] },
  delivered: [],
  rejected: [],
  sizeBytes: 1234,
  eightBit: false,
  acceptedAt: now(world),
  attempts: 0,
  status: { state: 'queued' },
  ...changes,
});

export const sentAt = (submission: Submission, at: number): Submission => ({
  ...submission,
  attempts: submission.attempts + 1,
  delivered: submission.envelope.to,
  sentBy: 'smtp',
  lastResponse: '250 2.0.0 OK',
  status: { state: 'sent', at },
});

export const reportOf = (
  world: World,
  submissions: readonly (Submission | ReportedSubmission)[],
  others: Partial<Omit<GatewayReport, 'submissions'>> = {},
): GatewayReport => ({
  submissions: submissions.map((one) => ('submission' in one ? one : { submission: one, stop: undefined })),
  outboxes: [],
  waiting: [],
  state: { version: '1.2.3', startedAt: now(world), way: 'direct', queued: 1, oldestSeconds: 30 },
  ...others,
});
