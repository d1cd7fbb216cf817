import type { SignIn } from '../domain/sign-in.ts';
import type { Table } from '../ports/table.ts';
import { attributes, keys } from './items.ts';

/** Kept a day after it ran out, so that "what became of my sign-in" has an answer. */
const KEPT_SECONDS = 86_400;

const toItem = (signIn: SignIn) => {
  const { expiresAt, ...rest } = signIn;
  // `expiresAt` is the table's own time to live, so the attempt's end is stored under another name.
  return {
    ...keys.signIn(signIn.id),
    ...attributes(rest),
    attemptEndsAt: expiresAt,
    expiresAt: expiresAt + KEPT_SECONDS,
  };
};

const fromItem = (item: Record<string, unknown>): SignIn => {
  const { attemptEndsAt, expiresAt: _expiresAt, pk: _pk, sk: _sk, ...rest } = item;
  return { ...rest, expiresAt: attemptEndsAt } as unknown as SignIn;
};

export const signInRecords = (table: Table) => ({
  /** Makes the attempt, and the one open attempt of its mailbox, where that is known. */
  async create(signIn: SignIn): Promise<void> {
    const { id: signInId, mailboxId, expiresAt } = signIn;
    await table.writeAll([
      { put: toItem(signIn), when: { absent: true } },
      ...(mailboxId === undefined ? [] : [{ put: { ...keys.openSignIn(mailboxId), signInId, expiresAt } }]),
    ]);
  },

  async get(id: string): Promise<SignIn | undefined> {
    const item = await table.get(keys.signIn(id));
    return item && fromItem(item);
  },

  /**
   * Moves the attempt on from the state it was read in. False: another request was faster. A transaction, since a lone write may
   * say so of itself (dynamodb-table.ts), and then nobody would go on with the attempt.
   */
  async move(from: SignIn, to: SignIn): Promise<boolean> {
    return (await table.writeAll([{ put: toItem(to), when: { equals: { state: from.state } } }])) === 'written';
  },

  /** The attempt is over: its mailbox is no longer waiting for it. */
  async close(signIn: SignIn): Promise<void> {
    const { id: signInId, mailboxId } = signIn;
    if (mailboxId === undefined) return;
    await table.write({ delete: keys.openSignIn(mailboxId), when: { equals: { signInId } } });
  },
});
