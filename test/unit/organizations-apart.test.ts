import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { BrokerError } from '../../shared/domain/errors.ts';
import type { Result } from '../../shared/domain/result.ts';
import type { Submission } from '../../shared/domain/submission.ts';
import type { Administration } from '../../shared/usecases/administration/index.ts';
import { type CountingTable, countingTable } from '../fakes/counting-table.ts';
import {
  advanceSeconds,
  everythingAtRest,
  failure,
  makeWorld,
  now,
  type Office,
  openOffice,
  type Process,
  startProcess,
  value,
  type World,
} from './support.ts';

interface Ids {
  readonly organization: string;
  readonly device: string;
  readonly mailbox: string;
  readonly signIn: string;
  readonly enrolmentToken: string;
  readonly submission: string;
}

const MADE_UP: Ids = {
  organization: 'org_aaaaaaaaaaaaaaaa',
  device: 'aaaaaaaaaaaa',
  mailbox: 'mbx_aaaaaaaaaaaaaaaa',
  signIn: 'sgn_aaaaaaaaaaaaaaaa',
  enrolmentToken: 'enr_aaaaaaaaaaaaaaaa',
  submission: 'sub_000000000aaaaaaaaaaaa',
};

type Outcome = Result<unknown, BrokerError>;

/** Everything that takes an id; `own` are the ids of who acts. */
const ACTS: Readonly<Record<string, (admin: Administration, ids: Ids, own: Ids) => Promise<Outcome>>> = {
  'reads an organization': ({ organizations }, { organization }) => organizations.get(organization),
  'changes an organization': ({ organizations }, { organization }) => organizations.update(organization, { name: 'X' }),
  'enables an organization': ({ organizations, scope }, { organization }, own) =>
    organization === own.organization && scope !== 'all'
      ? organizations.get(organization) // refused, by a test of its own
      : organizations.update(organization, { enabled: true }),
  'makes an enrolment token': ({ enrolmentTokens }, { organization }) => enrolmentTokens.create(organization),
  'revokes an enrolment token': ({ enrolmentTokens }, ids) =>
    enrolmentTokens.revoke(ids.organization, ids.enrolmentToken),
  'revokes an enrolment token as its own': ({ enrolmentTokens }, ids, own) =>
    enrolmentTokens.revoke(own.organization, ids.enrolmentToken),
  'adds a device': ({ devices }, { organization }) => devices.create(organization, { clientName: 'X' }),
  'reads a device': ({ devices }, { device }) => devices.get(device),
  'changes a device': ({ devices }, { device }) => devices.update(device, { enabled: false }),
  'rotates a secret': ({ devices }, { device }) => devices.rotateSecret(device),
  'removes a device': ({ devices }, { device }) => devices.remove(device),
  'binds a device': ({ devices }, ids) => devices.bind(ids.device, 'scan', ids.mailbox),
  'binds a device to its own mailbox': ({ devices }, ids, own) => devices.bind(ids.device, 'scan', own.mailbox),
  'binds its own device': ({ devices }, ids, own) => devices.bind(own.device, 'fax', ids.mailbox),
  'unbinds a device': ({ devices }, { device }) => devices.unbind(device, 'scan'),
  'adds a mailbox': ({ mailboxes }, { organization }) =>
    mailboxes.create(organization, { provider: 'google', address: 'x@example.org', aliases: [] }),
  'reads a mailbox': ({ mailboxes }, { mailbox }) => mailboxes.get(mailbox),
  'reads the devices of a mailbox': ({ mailboxes }, { mailbox }) => mailboxes.boundDevices(mailbox),
  'changes the way of a mailbox': ({ mailboxes }, { mailbox }) => mailboxes.setRoute(mailbox, 'api'),
  'removes a mailbox': ({ mailboxes }, { mailbox }) => mailboxes.remove(mailbox),
  'begins a sign-in': ({ mailboxes }, { mailbox }) => mailboxes.beginSignIn(mailbox),
  'reads a sign-in': ({ mailboxes }, { signIn }) => mailboxes.getSignIn(signIn),
  'signs a mailbox out': ({ mailboxes }, { mailbox }) => mailboxes.signOut(mailbox),
  'refreshes a mailbox': ({ mailboxes }, { mailbox }) => mailboxes.refresh(mailbox),
  'lists what a mailbox sends': ({ history }, { mailbox }) =>
    history.submissions({
      organizationId: undefined,
      mailboxId: mailbox,
      state: undefined,
      cursor: undefined,
      limit: 10,
    }),
  'looks into a message': ({ submissions }, { submission }) => submissions.get(submission),
  'sends a message again': ({ submissions }, { submission }) => submissions.resend(submission),
  'removes a message': ({ submissions }, { submission }) => submissions.remove(submission),
};

describe('an administrator of one organization', () => {
  let world: World;
  let table: CountingTable;
  let process: Process;
  let [ours, theirs]: Office[] = [];
  let [own, foreign] = [MADE_UP, MADE_UP];
  let admin: Administration;

  const submitted = async ({ organization, mailbox, device }: Office, id: string): Promise<void> => {
    const submission: Submission = {
      id,
      organizationId: organization.id,
      clientId: device.clientId,
      slot: 'scan',
      mailboxId: mailbox.id,
      account: mailbox.address,
      messageId: `<${id}@broker.example>`,
      envelope: { from: mailbox.address, to: ['anna@example.org'] },
      delivered: [],
      rejected: [],
      sizeBytes: 1,
      acceptedAt: now(world),
      attempts: 0,
      status: { state: 'queued' },
    };
    await process.records.submissions.create(submission);
  };

  const idsOf = async (office: Office, submission: string): Promise<Ids> => {
    const { organization, mailbox, device } = office;
    const { mailboxes, enrolmentTokens } = process.administration;
    await submitted(office, submission);
    return {
      organization: organization.id,
      device: device.clientId,
      mailbox: mailbox.id,
      signIn: value(await mailboxes.beginSignIn(mailbox.id)).id,
      enrolmentToken: value(await enrolmentTokens.create(organization.id)).token.id,
      submission,
    };
  };

  beforeEach(async () => {
    world = makeWorld();
    table = countingTable(world.table);
    process = startProcess(world, { table });
    ours = await openOffice(process);
    theirs = await openOffice(process, { address: 'scan@fabrikam.example' });
    own = await idsOf(ours, 'sub_000000000ours');
    foreign = await idsOf(theirs, 'sub_000000000theirs');
    admin = process.administrationFor({
      scope: 'organization',
      organizationId: own.organization,
      by: 'admin:key_ours',
    });
  });

  for (const [what, act] of Object.entries(ACTS)) {
    it(`${what} of another organization as little as one that there never was, by as many round trips`, async () => {
      const before = everythingAtRest(world);
      table.reset();
      const ofMadeUp = failure(await act(admin, MADE_UP, own));
      const roundTrips = [...table.roundTrips];
      table.reset();
      const ofForeign = failure(await act(admin, foreign, own));
      assert.equal(ofForeign.kind, 'not_found');
      assert.deepEqual(ofForeign, ofMadeUp);
      assert.deepEqual(table.roundTrips, roundTrips);
      assert.equal(everythingAtRest(world), before);
    });
  }

  it('does all of it at home', async () => {
    for (const [what, act] of Object.entries(ACTS)) {
      if (what.startsWith('removes') || what.startsWith('refreshes')) continue;
      value(await act(admin, own, own));
    }
    value(await admin.devices.remove(own.device));
    value(await admin.mailboxes.remove(own.mailbox));
  });

  it('finds nothing in the lists of another organization', async () => {
    const { organizations, devices, mailboxes, enrolmentTokens } = admin;
    assert.deepEqual(
      (await organizations.list()).map(({ id }) => id),
      [own.organization],
    );
    for (const { list } of [devices, mailboxes, enrolmentTokens]) {
      assert.equal((await list(own.organization)).length, 1);
      for (const { organization } of [foreign, MADE_UP]) {
        table.reset();
        assert.deepEqual(await list(organization), []);
        assert.deepEqual(table.roundTrips, []);
      }
    }
  });

  it('sees of the history what is its own, whosever id it takes for a cursor', async () => {
    for (let count = 1; count <= 6; count++) {
      await advanceSeconds(world, 1);
      const office = count % 2 === 0 ? ours : theirs;
      await submitted(office as Office, `sub_00000000${count}`);
      value(await process.administration.mailboxes.beginSignIn((office as Office).mailbox.id));
    }
    const { submissions, audit } = admin.history;
    const all = { organizationId: undefined, mailboxId: undefined, state: undefined, cursor: undefined, limit: 100 };
    const sent = value(await submissions(all)).entries.map(({ submission }) => submission.id);
    assert.deepEqual(sent, ['sub_000000006', 'sub_000000004', 'sub_000000002', own.submission]);
    const done = (await audit(all)).entries;
    assert.ok(done.length > 5 && done.every(({ organizationId }) => organizationId === own.organization));
    const ofForeign = { ...all, organizationId: foreign.organization };
    assert.deepEqual([value(await submissions(ofForeign)).entries, (await audit(ofForeign)).entries], [[], []]);
    const older = value(await submissions({ ...all, cursor: 'sub_000000005' }));
    assert.deepEqual(
      older.entries.map(({ submission }) => submission.id),
      ['sub_000000004', 'sub_000000002', own.submission],
    );
  });

  it('is named in the audit log by its key', async () => {
    await advanceSeconds(world, 1);
    value(await admin.devices.update(own.device, { enabled: false }));
    const { entries } = await process.administration.history.audit({
      organizationId: own.organization,
      cursor: undefined,
      limit: 1,
    });
    assert.deepEqual(
      entries.map(({ by, action }) => [by, action]),
      [['admin:key_ours', 'device.changed']],
    );
  });

  it('does not lift what the operator has suspended, nor suspend itself', async () => {
    value(await process.administration.organizations.update(own.organization, { enabled: false }));
    for (const enabled of [true, false]) {
      const before = everythingAtRest(world);
      const refused = failure(await admin.organizations.update(own.organization, { name: 'X', enabled }));
      assert.equal(refused.kind, 'invalid_admin_key');
      assert.match(refused.detail ?? '', /needs a key for all/);
      assert.equal(everythingAtRest(world), before);
    }
    assert.equal(value(await admin.organizations.update(own.organization, { name: 'X' })).enabled, false);
  });

  it('has no administration of customers and keys', () => {
    assert.equal(admin.scope, 'organization');
    assert.deepEqual(Object.keys(admin).sort(), [
      'appRegistrations',
      'connectionTests',
      'devices',
      'enrolmentTokens',
      'gateways',
      'history',
      'mailboxes',
      'notifications',
      'organizations',
      'scope',
      'submissions',
    ]);
    assert.deepEqual(Object.keys(admin.organizations).sort(), ['get', 'list', 'update']);
  });
});
