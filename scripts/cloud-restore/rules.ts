import { hasReachedAll, keptUntil, RETENTION_DAYS, retentionSeconds } from '../../shared/domain/retention.ts';
import { concluded, isOver, type Submission } from '../../shared/domain/submission.ts';
import { dueShardOf } from '../../shared/domain/timing.ts';
import type { Item, Key } from '../../shared/ports/table.ts';
import { attributes, entity, keys } from '../../shared/records/items.ts';
import { CommandTrouble } from '../cloud/command-trouble.ts';

/**
 * What an item says, and so what an older one is worth beside the table of now (docs/aws-backup.md):
 * `decision`: what people have decided. `fact`: what has happened; the newer table knows better. `mail`: a fact that may be
 * still to be done. `now`: work under way; only the newer table knows it. `moment`: good for minutes, or a secret.
 */
type Kind = 'decision' | 'fact' | 'mail' | 'now' | 'moment';

interface Rule {
  readonly pk: RegExp;
  readonly sk?: RegExp;
  readonly kind: Kind;
  /** What it belongs to, and comes back with; absent: it stands for itself. */
  readonly owners?: (item: Item) => readonly Key[];
}

const after = (text: string, mark: string): string => text.slice(text.indexOf(mark) + mark.length);
const partitionOwner = ({ pk }: Item): string => after(pk, '#');
const ofDevice = (item: Item): readonly Key[] => [keys.device(partitionOwner(item))];
const ofMailbox = (item: Item): readonly Key[] => [keys.mailbox(partitionOwner(item))];
const organization = (id: string): readonly Key[] => (id === 'broker' ? [] : [keys.organization(id)]);
const ofOrganization = (item: Item): readonly Key[] => organization(partitionOwner(item));
const byAttribute = ({ organizationId }: Item): readonly Key[] => organization(String(organizationId));

/** A device's place in the list that a mailbox keeps: `bound#<client id>#<slot>`. */
const boundOf = (sk: string) => {
  const [, clientId = '', slot = ''] = /^bound#([^#]*)#(.*)$/s.exec(sk) ?? [];
  return { clientId, slot };
};

/** The first that fits decides. Every key of shared/records/items.ts has one; a test goes through them. */
const RULES: readonly Rule[] = [
  { pk: /^organizations$/, kind: 'decision' },
  { pk: /^organization#/, sk: /^device#/, kind: 'decision', owners: ({ sk }) => [keys.device(after(sk, '#'))] },
  { pk: /^organization#/, sk: /^mailbox#/, kind: 'decision', owners: ({ sk }) => [keys.mailbox(after(sk, '#'))] },
  { pk: /^device#/, kind: 'decision', owners: ofDevice },
  // An access token of then would be served to a device although its mailbox was signed out since.
  { pk: /^mailbox#/, sk: /^(token#|lease$|sign-in$|test$)/, kind: 'moment' },
  {
    pk: /^mailbox#/,
    sk: /^bound#/,
    kind: 'decision',
    owners: (item) => [...ofMailbox(item), keys.device(boundOf(item.sk).clientId)],
  },
  { pk: /^mailbox#/, kind: 'decision', owners: ofMailbox },
  { pk: /^enrolments#/, kind: 'decision', owners: ofOrganization },
  { pk: /^enrolment#/, kind: 'decision', owners: byAttribute },
  { pk: /^notifications#/, kind: 'decision', owners: ofOrganization },
  { pk: /^refresh-token#/, kind: 'decision', owners: ({ clientId }) => [keys.device(String(clientId))] },
  // Revoked keys stay in the table, marked: one that was revoked since stays revoked.
  { pk: /^admin-keys$|^admin-key#/, kind: 'fact' },
  // The refresh token of the envelope vault that came last.
  { pk: /^vault#/, kind: 'fact', owners: ofMailbox },
  { pk: /^audit#/, kind: 'fact' },
  { pk: /^own-registrations$/, kind: 'fact' },
  { pk: /^provider#/, sk: /^app-registration$/, kind: 'fact' },
  { pk: /^gateways?#/, kind: 'fact' },
  { pk: /^idempotency#/, kind: 'fact' },
  { pk: /^notices#/, sk: /^open#/, kind: 'fact', owners: ofOrganization },
  { pk: /^submissions#/, kind: 'fact', owners: ofOrganization },
  { pk: /^submission#/, sk: /^submission$/, kind: 'mail', owners: byAttribute },
  { pk: /^submission#/, sk: /^content$/, kind: 'fact', owners: ({ pk }) => [keys.submission(after(pk, '#'))] },
  { pk: /^(outbox|attempts|upload)#/, kind: 'now' },
  { pk: /^provider#/, sk: /^cool-down$/, kind: 'now' },
  { pk: /^notices#/, sk: /^(event#|mail#|post$)/, kind: 'now' },
  { pk: /^(sign-in|pairing|user-code|session|reconnect)#/, kind: 'moment' },
];

/** Throws `CommandTrouble` for what this version does not know: what is to become of it, a person must decide. */
const ruleOf = ({ pk, sk }: Key): Rule => {
  const rule = RULES.find((one) => one.pk.test(pk) && (one.sk?.test(sk) ?? true));
  if (rule !== undefined) return rule;
  throw new CommandTrouble(
    `There is no rule for the item ${pk.replace(/#.*/, '#…')} ${sk.replace(/#.*/, '#…')}.`,
    'run this from the version of the broker that wrote the table',
  );
};

export const kindOf = (key: Key): Kind => ruleOf(key).kind;

export const ownersOf = (item: Item): readonly Key[] => ruleOf(item).owners?.(item) ?? [];

/** What others belong to: brought back last, so that a restore that was broken off begins where it was. */
export const isOwner = ({ pk, sk }: Key): boolean =>
  pk === 'organizations' ||
  (pk.startsWith('device#') && sk === 'device') ||
  (pk.startsWith('mailbox#') && sk === 'mailbox');

/** The binding that an item stands beside; undefined: it is not such an item. */
export const bindingBeside = ({ pk, sk }: Key): { readonly binding: Key; readonly mailboxId: string } | undefined => {
  if (!pk.startsWith('mailbox#') || !sk.startsWith('bound#')) return undefined;
  const { clientId, slot } = boundOf(sk);
  return { binding: keys.binding(clientId, slot), mailboxId: after(pk, '#') };
};

/** What is not over may have been sent since, and nobody knows: no one sends it again but a person. */
const ended = (item: Item, now: number): readonly Item[] => {
  const { revision, ...submission } = entity<Submission & { revision: number }>(item);
  if (isOver(submission) || submission.gatewayId !== undefined) return [item];
  const over = concluded(submission, 'outcome_unknown', now);
  const until = keptUntil(over, retentionSeconds(RETENTION_DAYS.unlessSet)) ?? now;
  const record = { ...keys.submission(over.id), ...attributes({ ...over, expiresAt: until }), revision: revision + 1 };
  // Its content has an end, too (shared/records/submissions.ts).
  const content = { ...keys.submissionContent(over.id), dueShard: dueShardOf('content', over.id), dueAt: until };
  return hasReachedAll(over) ? [record] : [record, content];
};

/** What an item of the older table is brought back as, where the table of now has nothing in its place. */
export const restored = (item: Item, now: number): readonly Item[] => {
  const kind = kindOf(item);
  if (kind === 'now' || kind === 'moment') return [];
  return kind === 'mail' ? ended(item, now) : [item];
};

/** What was locked since stays locked. */
export const lockedAs = (older: Item, current: Item | undefined): Item =>
  current?.enabled === false && older.enabled === true ? { ...older, enabled: false } : older;
