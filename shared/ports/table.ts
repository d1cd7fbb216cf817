/** What may stand in an item. Nothing is ever `undefined` or `null`: an absent attribute is absent. */
export type Value = string | number | boolean | readonly Value[] | { readonly [name: string]: Value };

export interface Key {
  /** Partition key. */
  readonly pk: string;
  /** Sort key. */
  readonly sk: string;
}

/**
 * Two attributes have a meaning to the table itself: `dueShard` with `dueAt` (epoch seconds) put the item into the due
 * index; `expiresAt` (epoch seconds) allows the table to drop it at some time after. Callers still compare.
 */
export type Item = Key & { readonly [attribute: string]: Value };

/** `equals` holds only for an item that exists. */
export type Condition =
  | { readonly absent: true }
  | { readonly present: true }
  | { readonly equals: { readonly [attribute: string]: string | number | boolean } };

export interface Changes {
  readonly set?: { readonly [attribute: string]: Value };
  readonly remove?: readonly string[];
  /** Adds to a number, atomically; an absent attribute counts as 0. */
  readonly add?: { readonly [attribute: string]: number };
}

export type Write =
  | { readonly put: Item; readonly when?: Condition }
  | { readonly update: Key; readonly changes: Changes; readonly when?: Condition }
  | { readonly delete: Key; readonly when?: Condition }
  /** Writes nothing; refuses the whole when the condition does not hold. */
  | { readonly check: Key; readonly when: Condition };

export type WriteOutcome = 'written' | 'refused';

export interface Page {
  readonly items: readonly Item[];
  /** Sort key to pass as `after` for the next page; absent at the end. */
  readonly next?: string;
}

export interface Due extends Key {
  readonly dueAt: number;
}

/** The one storage port, shaped like the part of DynamoDB that the broker needs. */
export interface Table {
  /** Strongly consistent. */
  get(key: Key): Promise<Item | undefined>;
  /** Strongly consistent, one round trip, in the order asked. At most 100 keys, all different. */
  getMany(keys: readonly Key[]): Promise<readonly (Item | undefined)[]>;
  /** One atomic write. `refused`: the condition did not hold, and nothing changed. An update of an absent item makes it. */
  write(write: Write): Promise<WriteOutcome>;
  /** All or nothing; at most 25 writes, each on its own key. */
  writeAll(writes: readonly Write[]): Promise<WriteOutcome>;
  /** One partition in key order. `prefix` narrows the sort keys; `after` is exclusive. Strongly consistent. */
  query(pk: string, options?: { prefix?: string; after?: string; limit?: number; descending?: boolean }): Promise<Page>;
  /** What is due in a shard at or before `until`, oldest first. Eventually consistent: read again before acting. */
  due(shard: string, until: number, limit: number): Promise<readonly Due[]>;
}
