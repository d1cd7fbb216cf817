import type { Mailbox } from '../../domain/entities.ts';
import { isAddress } from '../../domain/envelope.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { type AdministeredMailbox, mailWayOf } from '../../domain/mail-way.ts';
import type { Outbox, RouteChoice } from '../../domain/outbox.ts';
import type { ProviderName } from '../../domain/provider.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { isOfMailbox, type MailboxSignIn } from '../../domain/sign-in.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Refresher } from '../../ports/refresher.ts';
import type { DescribeMailbox } from '../describe-mailbox.ts';
import { makeChangeRoute } from '../mail/change-route.ts';
import type { HoldSignedOut } from '../notices/hold-signed-out.ts';
import { newId } from '../secrets.ts';
import { makeBeginSignIn } from '../sign-in/begin-sign-in.ts';
import type { SignOut } from '../sign-in/sign-out.ts';
import type { RecordsWithin } from './reach.ts';

interface Dependencies {
  readonly records: Pick<RecordsWithin, 'organizations' | 'mailboxes' | 'outboxes' | 'signIns' | 'audit'>;
  readonly describeMailbox: DescribeMailbox;
  readonly signOut: SignOut;
  /** Nobody need be told of it any more. */
  readonly dropNotices: (mailbox: Mailbox) => Promise<void>;
  readonly holdSignedOut: HoldSignedOut;
  readonly tryOutboxNow: (mailboxId: string) => Promise<void>;
  readonly refresher: Refresher;
  readonly clock: Clock;
  readonly random: Random;
}

/** A device that uses the mailbox, and what for. */
export interface BoundDevice {
  readonly clientId: string;
  readonly slot: string;
}

export interface NewMailbox {
  readonly provider: ProviderName;
  readonly address: string;
  readonly aliases: readonly string[];
}

const missing = fail(brokerError('not_found', 'No such mailbox.'));

export const mailboxAdministration = (dependencies: Dependencies) => {
  const { records, describeMailbox, signOut, tryOutboxNow, refresher, clock, random } = dependencies;
  const { dropNotices, holdSignedOut } = dependencies;
  const { mailboxes, outboxes, audit } = records;
  const changeRoute = makeChangeRoute({ mailboxes, outboxes, clock });
  const beginSignIn = makeBeginSignIn({ signIns: records.signIns, clock, random });

  const noteDown = ({ organizationId, id, address }: Mailbox, action: string, detail = address): Promise<void> =>
    audit.add({ organizationId, action, subject: id, detail });

  const describeWith = async (mailbox: Mailbox, outbox: Outbox): Promise<AdministeredMailbox> => ({
    ...(await describeMailbox(mailbox)),
    way: mailWayOf(mailbox, outbox, epochSeconds(clock)),
  });

  const describe = async (mailbox: Mailbox): Promise<AdministeredMailbox> =>
    describeWith(mailbox, (await outboxes.get(mailbox.id)).outbox);

  const withMailbox = async <Value>(
    id: string,
    act: (mailbox: Mailbox) => Promise<Result<Value, BrokerError>>,
  ): Promise<Result<Value, BrokerError>> => {
    const mailbox = await mailboxes.get(id);
    return mailbox ? act(mailbox) : missing;
  };

  return {
    async create(organizationId: string, wish: NewMailbox): Promise<Result<AdministeredMailbox, BrokerError>> {
      if ((await records.organizations.get(organizationId)) === undefined) {
        return fail(brokerError('not_found', 'No such organization.'));
      }
      const malformed = [wish.address, ...wish.aliases].find((address) => !isAddress(address));
      if (malformed !== undefined) {
        return fail(brokerError('invalid_request', `Not a mail address: ${JSON.stringify(malformed)}`));
      }
      const mailbox: Mailbox = { ...wish, id: newId('mbx', random), organizationId, createdAt: epochSeconds(clock) };
      await mailboxes.create(mailbox);
      await noteDown(mailbox, 'mailbox.created');
      return ok(await describeWith(mailbox, {}));
    },

    async list(organizationId: string): Promise<readonly AdministeredMailbox[]> {
      const found = await mailboxes.list(organizationId);
      const known = await outboxes.getMany(found.map(({ id }) => id));
      return Promise.all(found.map((mailbox) => describeWith(mailbox, known.get(mailbox.id) ?? {})));
    },

    get: (id: string) => withMailbox<AdministeredMailbox>(id, async (mailbox) => ok(await describe(mailbox))),

    /** By which way its mail goes; what waits is tried by it within the minute. */
    setRoute: (id: string, route: RouteChoice) =>
      withMailbox<AdministeredMailbox>(id, async (mailbox) => {
        const { route: before = 'auto', address } = mailbox;
        if (before === route) return ok(await describe(mailbox));
        if (!(await changeRoute(mailbox, route))) return missing;
        await noteDown(mailbox, 'mailbox.route-changed', `${address}: ${before} to ${route}`);
        return ok(await describe({ ...mailbox, route }));
      }),

    /** What waits there is tried now, whatever stands in the way of it. */
    tryNow: (id: string) =>
      withMailbox<AdministeredMailbox>(id, async (mailbox) => {
        await tryOutboxNow(id);
        await noteDown(mailbox, 'mailbox.tried-now');
        return ok(await describe(mailbox));
      }),

    boundDevices: (id: string) =>
      withMailbox<readonly BoundDevice[]>(id, async () => ok(await mailboxes.boundDevices(id))),

    /** Its tokens are deleted; refused while a device is bound to it. */
    remove: (id: string) =>
      withMailbox<undefined>(id, async (mailbox) => {
        const [bound] = await mailboxes.boundDevices(id);
        if (bound) {
          return fail(
            brokerError('conflict', `Device ${bound.clientId} uses it for "${bound.slot}"; unbind that first.`),
          );
        }
        await signOut(mailbox);
        await mailboxes.remove(mailbox);
        await dropNotices(mailbox);
        // What waits there has nobody to be sent by: it fails, and that is told.
        await tryOutboxNow(id);
        await noteDown(mailbox, 'mailbox.removed');
        return ok(undefined);
      }),

    beginSignIn: (id: string) =>
      withMailbox<MailboxSignIn>(id, async (mailbox) => {
        const signIn = await beginSignIn(mailbox);
        await noteDown(mailbox, 'sign-in.started');
        return ok(signIn);
      }),

    async getSignIn(id: string): Promise<Result<MailboxSignIn, BrokerError>> {
      const signIn = await records.signIns.get(id);
      return signIn && isOfMailbox(signIn) ? ok(signIn) : fail(brokerError('not_found', 'No such sign-in.'));
    },

    signOut: (id: string) =>
      withMailbox<undefined>(id, async (mailbox) => {
        await signOut(mailbox);
        await holdSignedOut(mailbox);
        await noteDown(mailbox, 'mailbox.signed-out');
        return ok(undefined);
      }),

    /** Refreshes now, whatever the cache holds. */
    refresh: (id: string) =>
      withMailbox<AdministeredMailbox>(id, async (mailbox) => {
        const refreshed = await refresher.refreshNow({
          mailboxId: id,
          audience: 'smtp',
          minTtlSeconds: Number.MAX_SAFE_INTEGER,
          askedAt: clock.now() / 1000,
          duringBackOff: true,
        });
        if (refreshed.outcome === 'failed') return fail(refreshed.error);
        await noteDown(mailbox, 'mailbox.refreshed');
        return ok(await describe(mailbox));
      }),
  };
};

export type MailboxAdministration = ReturnType<typeof mailboxAdministration>;
