import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Item, Key } from '../../shared/ports/table.ts';
import { bindingBeside, isOwner, kindOf, lockedAs, ownersOf, restored } from './rules.ts';
import { type Change, carryOut, itemsAt, nameOf, pagesOf } from './table-copy.ts';

/**
 * `missing`: what is gone comes back, with all that belongs to it; what is there is not touched. `replace`: what people have
 * decided is as it was. `in-place`: the table is itself a restored one, and is made fit to be used.
 */
export type Mode = 'missing' | 'replace' | 'in-place';

export interface RestoreOptions {
  readonly client: DynamoDBClient;
  /** The restored table. */
  readonly from: string;
  /** The one that the functions use. */
  readonly to: string;
  readonly mode: Mode;
  /** Epoch seconds. */
  readonly now: number;
  readonly dryRun: boolean;
}

export interface Tally {
  /** Items written and removed, by the beginning of their partition. */
  readonly written: Map<string, number>;
  readonly removed: Map<string, number>;
  /** What people know by a name, with it. */
  readonly named: {
    readonly what: 'organization' | 'device' | 'mailbox';
    readonly id: string;
    readonly name: string;
  }[];
  /** Submissions of which nobody knows any more whether they were sent. */
  endedUnknown: number;
}

const typeOf = ({ pk }: Key): string => pk.replace(/#.*/s, '');
const count = (counts: Map<string, number>, key: Key): void => {
  counts.set(typeOf(key), (counts.get(typeOf(key)) ?? 0) + 1);
};

const nameIn = (item: Item): Tally['named'][number] | undefined => {
  if (!isOwner(item)) return undefined;
  const { metadata, address, name, clientId, id } = item;
  if (item.pk === 'organizations') return { what: 'organization', id: String(id), name: String(name) };
  if (address !== undefined) return { what: 'mailbox', id: String(id), name: String(address) };
  const { clientName } = metadata as { readonly clientName?: string };
  return { what: 'device', id: String(clientId), name: String(clientName) };
};

type Current = ReadonlyMap<string, Item>;

/** Whether something that is gone brings it back. */
const belongsToMissing = (item: Item, current: Current): boolean => {
  const owners = ownersOf(item);
  const missing = (owners.length === 0 ? [item] : owners).some((key) => !current.has(nameOf(key)));
  const beside = bindingBeside(item);
  // Of a device that is there, only what it is bound to now.
  const device = beside && owners.find(({ pk }) => pk.startsWith('device#'));
  if (!missing || beside === undefined || device === undefined || !current.has(nameOf(device))) return missing;
  return current.get(nameOf(beside.binding))?.mailboxId === beside.mailboxId;
};

/** What an older item makes of the table of now. */
const changesFor = (item: Item, current: Current, { mode, now }: RestoreOptions): readonly Change[] => {
  const there = current.get(nameOf(item));
  const kind = kindOf(item);
  if (mode === 'in-place') {
    const back = restored(item, now);
    if (back.length === 0) return [{ delete: item }];
    return back[0] === item ? [] : back.map((put) => ({ put }));
  }
  if (there !== undefined && (mode === 'missing' || kind !== 'decision')) return [];
  if (mode === 'missing' && !belongsToMissing(item, current)) return [];
  return restored(item, now).map((put) => ({ put: lockedAs(put, there) }));
};

/** Everything that has to be looked at in the table of now to decide on one item. */
const asked = (item: Item): readonly Key[] => {
  const beside = bindingBeside(item);
  return [item, ...ownersOf(item), ...(beside ? [beside.binding] : [])];
};

/** In `replace`, what the older table does not know goes, if people had decided it; and what is good for a moment. */
const removalsOf = (items: readonly Item[], older: Current): readonly Change[] =>
  items
    .filter((item) => {
      const kind = kindOf(item);
      return kind === 'moment' || (kind === 'decision' && !older.has(nameOf(item)));
    })
    .map((item) => ({ delete: item }));

/** May be broken off and begun again; while it runs, and from before the older table was made, no function may run. */
export const restoreTable = async (options: RestoreOptions): Promise<Tally> => {
  const { client, from, to, mode, dryRun } = options;
  const tally: Tally = { written: new Map(), removed: new Map(), named: [], endedUnknown: 0 };

  const apply = async (changes: readonly Change[]): Promise<void> => {
    for (const change of changes) {
      if ('delete' in change) {
        count(tally.removed, change.delete);
        continue;
      }
      count(tally.written, change.put);
      const named = nameIn(change.put);
      if (named !== undefined) tally.named.push(named);
      if (kindOf(change.put) === 'mail' && isEndedUnknown(change.put, options.now)) tally.endedUnknown++;
    }
    if (!dryRun) await carryOut(client, to, changes);
  };

  /** Owners last: that one is missing is what brings back the rest. */
  for (const owners of [false, true]) {
    for await (const page of pagesOf(client, from)) {
      const items = page.filter((item) => isOwner(item) === owners);
      const current = mode === 'in-place' ? new Map() : await itemsAt(client, to, items.flatMap(asked));
      await apply(items.flatMap((item) => changesFor(item, current, options)));
    }
  }
  if (mode !== 'replace') return tally;
  for await (const page of pagesOf(client, to)) {
    await apply(removalsOf(page, await itemsAt(client, from, page)));
  }
  return tally;
};

const isEndedUnknown = ({ status }: Item, now: number): boolean => {
  const { reason, at } = status as { readonly reason?: string; readonly at?: number };
  return reason === 'outcome_unknown' && at === now;
};
