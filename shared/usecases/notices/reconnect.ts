import type { Mailbox } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { isLive } from '../../domain/grant.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { MailboxSignIn } from '../../domain/sign-in.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import { hashOf } from '../secrets.ts';
import { makeBeginSignIn } from '../sign-in/begin-sign-in.ts';

/**
 * What a link in a notice leads to. `not_needed`: it was mended. `over`: the notice is over, but the mailbox does not work: it was
 * signed out, or there is a later notice with a link of its own.
 */
export type Reconnection =
  | { readonly state: 'needed'; readonly mailbox: Mailbox }
  | { readonly state: 'not_needed' | 'over'; readonly mailbox: Mailbox };

/** The link in a notice. To look at it changes nothing, as mail scanners look at every link; only who goes on begins a sign-in. */
export const makeReconnect = ({
  records,
  clock,
  random,
}: {
  readonly records: Pick<
    Records,
    'reconnectLinks' | 'notices' | 'mailboxes' | 'grants' | 'outboxes' | 'signIns' | 'audit'
  >;
  readonly clock: Clock;
  readonly random: Random;
}) => {
  const beginSignIn = makeBeginSignIn({ signIns: records.signIns, clock, random });

  const works = async ({ id }: Mailbox): Promise<boolean> => {
    const [{ grant }, { outbox }] = await Promise.all([records.grants.get(id), records.outboxes.get(id)]);
    return isLive(grant) && outbox.stop?.cause !== 'hold';
  };

  const look = async (token: string): Promise<Result<Reconnection, BrokerError>> => {
    const link = await records.reconnectLinks.get(hashOf(token));
    const mailbox = link && (await records.mailboxes.get(link.mailboxId));
    if (link === undefined || mailbox === undefined) return fail(brokerError('sign_in_not_found'));
    const open = await records.notices.open(link.name);
    const isOpen = open?.open.id === link.noticeId;
    if (!isOpen) return ok({ state: (await works(mailbox)) ? 'not_needed' : 'over', mailbox });
    return link.endsAt > epochSeconds(clock) ? ok({ state: 'needed', mailbox }) : fail(brokerError('sign_in_expired'));
  };

  return {
    look,

    /** Whoever has the link may begin; to end it takes the account of the mailbox. */
    async begin(token: string): Promise<Result<MailboxSignIn, BrokerError>> {
      const looked = await look(token);
      if (!looked.ok) return looked;
      const { state, mailbox } = looked.value;
      if (state !== 'needed') return fail(brokerError('sign_in_already_used'));
      const signIn = await beginSignIn(mailbox);
      const { organizationId, id: subject, address: detail } = mailbox;
      await records.audit.add({ organizationId, by: 'person', action: 'sign-in.started', subject, detail });
      return ok(signIn);
    },
  };
};

export type Reconnect = ReturnType<typeof makeReconnect>;
