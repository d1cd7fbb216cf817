import type { Mailbox } from '../../domain/entities.ts';
import type { NoticeScope } from '../../domain/notice.ts';
import type { Records } from '../../records/index.ts';

/** So many of an organization's mailboxes are looked at; of more than that one will do. */
const LOOKED_AT = 200;

/**
 * The mailbox by which people are told: of the same organization, else the operator's. Never one that is broken, whether
 * anybody was told of that or not: a mail must not wait for what it reports.
 */
export const makeFindNoticeMailbox = ({
  records: { mailboxes, grants, outboxes },
  operatorMailboxId,
}: {
  readonly records: Pick<Records, 'mailboxes' | 'grants' | 'outboxes'>;
  readonly operatorMailboxId: string | undefined;
}) => {
  /** `poor`: it may work, but something of it does not just now. */
  const healthOf = async ({ id }: Mailbox): Promise<'good' | 'poor' | 'broken'> => {
    const [{ grant }, { outbox }] = await Promise.all([grants.get(id), outboxes.get(id)]);
    if (grant.state !== 'active' || outbox.stop?.cause === 'hold') return 'broken';
    return grant.trouble !== undefined || outbox.stop !== undefined ? 'poor' : 'good';
  };

  const candidates = async (scope: NoticeScope): Promise<readonly Mailbox[]> => {
    const own = scope === undefined ? [] : (await mailboxes.list(scope)).slice(0, LOOKED_AT);
    const operators = operatorMailboxId === undefined ? undefined : await mailboxes.get(operatorMailboxId);
    return operators && !own.some(({ id }) => id === operators.id) ? [...own, operators] : own;
  };

  /** `concerned`: what is told of; others come first. `excluded` never comes. */
  return async (
    scope: NoticeScope,
    concerned: ReadonlySet<string>,
    excluded: readonly string[],
  ): Promise<Mailbox | undefined> => {
    const all = (await candidates(scope)).filter(({ id }) => !excluded.includes(id));
    const ordered = [...all.filter(({ id }) => !concerned.has(id)), ...all.filter(({ id }) => concerned.has(id))];
    let poor: Mailbox | undefined;
    for (const mailbox of ordered) {
      const health = await healthOf(mailbox);
      if (health === 'good') return mailbox;
      if (health === 'poor') poor ??= mailbox;
    }
    return poor;
  };
};

export type FindNoticeMailbox = ReturnType<typeof makeFindNoticeMailbox>;
