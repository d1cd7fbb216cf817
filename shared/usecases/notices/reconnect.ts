import type { Mailbox } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { MailboxSignIn } from '../../domain/sign-in.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import { hashOf } from '../secrets.ts';
import { makeBeginSignIn } from '../sign-in/begin-sign-in.ts';

/** What a link in a notice leads to. `not_needed`: the notice is over, or the link has had its time. */
export type Reconnection =
  | { readonly state: 'needed'; readonly mailbox: Mailbox }
  | { readonly state: 'not_needed'; readonly mailbox: Mailbox };

/** The link in a notice. To look at it changes nothing, as mail scanners look at every link; only who goes on begins a sign-in. */
export const makeReconnect = ({
  records,
  clock,
  random,
}: {
  readonly records: Pick<Records, 'reconnectLinks' | 'notices' | 'mailboxes' | 'signIns' | 'audit'>;
  readonly clock: Clock;
  readonly random: Random;
}) => {
  const beginSignIn = makeBeginSignIn({ signIns: records.signIns, clock, random });

  const look = async (token: string): Promise<Result<Reconnection, BrokerError>> => {
    const link = await records.reconnectLinks.get(hashOf(token));
    const mailbox = link && (await records.mailboxes.get(link.mailboxId));
    if (link === undefined || mailbox === undefined) return fail(brokerError('sign_in_not_found'));
    const open = await records.notices.open(link.name);
    const isOpen = open?.open.id === link.noticeId;
    if (!isOpen) return ok({ state: 'not_needed', mailbox });
    return link.endsAt > epochSeconds(clock) ? ok({ state: 'needed', mailbox }) : fail(brokerError('sign_in_expired'));
  };

  return {
    look,

    /** Whoever has the link may begin; to end it takes the account of the mailbox. */
    async begin(token: string): Promise<Result<MailboxSignIn, BrokerError>> {
      const looked = await look(token);
      if (!looked.ok) return looked;
      const { state, mailbox } = looked.value;
      if (state === 'not_needed') return fail(brokerError('sign_in_already_used'));
      const signIn = await beginSignIn(mailbox);
      const { organizationId, id: subject, address: detail } = mailbox;
      await records.audit.add({ organizationId, by: 'person', action: 'sign-in.started', subject, detail });
      return ok(signIn);
    },
  };
};

export type Reconnect = ReturnType<typeof makeReconnect>;
