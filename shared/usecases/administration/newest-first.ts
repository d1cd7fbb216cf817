/** A stretch of one list, newest first. */
export interface Stretch<Entry> {
  readonly entries: readonly Entry[];
  /** The id of the last one looked at, if there are more behind it. */
  readonly next: string | undefined;
}

export type ReadStretch<Entry> = (limit: number, before?: string) => Promise<Stretch<Entry>>;

export interface NewestPage<Entry> {
  readonly entries: readonly Entry[];
  /** Pass as `cursor` for the older ones; undefined at the end. There may be one though nothing was found. */
  readonly cursor: string | undefined;
}

/** Of a filter that fits little, so many are looked at for one page; the cursor leads on from there. */
const LOOKED_AT_MOST = 1000;

interface Position<Entry> {
  readonly read: ReadStretch<Entry>;
  readonly found: readonly Entry[];
  /** Whatever is newer has been looked at; undefined: the whole list has. */
  readonly next: string | undefined;
}

/**
 * One page of several lists merged, newest first. Ids sort by time, so one cursor serves them all. `stretch`: how many of a
 * list are looked at in one go.
 */
export const newestFirst = async <Entry>(
  lists: readonly ReadStretch<Entry>[],
  idOf: (entry: Entry) => string,
  { cursor, limit, stretch }: { readonly cursor: string | undefined; readonly limit: number; readonly stretch: number },
): Promise<NewestPage<Entry>> => {
  const readOn = async (
    read: ReadStretch<Entry>,
    found: readonly Entry[],
    before?: string,
  ): Promise<Position<Entry>> => {
    const { entries, next } = await read(stretch, before);
    return { read, found: [...found, ...entries], next };
  };
  let positions = await Promise.all(lists.map((read) => readOn(read, [], cursor)));

  for (let lookedAt = stretch; ; lookedAt += stretch) {
    // The list that has been looked at least far decides how far the page is complete.
    const horizon = positions.reduce<string | undefined>(
      (highest, { next }) => (next === undefined || (highest !== undefined && highest > next) ? highest : next),
      undefined,
    );
    const complete = positions
      .flatMap(({ found }) => found)
      .filter((entry) => horizon === undefined || idOf(entry) >= horizon)
      .sort((a, b) => (idOf(a) < idOf(b) ? 1 : -1));
    const entries = complete.slice(0, limit);
    const last = entries.at(-1);
    if (complete.length > limit && last !== undefined) return { entries, cursor: idOf(last) };
    if (horizon === undefined || complete.length === limit || lookedAt >= LOOKED_AT_MOST)
      return { entries, cursor: horizon };
    positions = await Promise.all(
      positions.map((one) => (one.next === horizon ? readOn(one.read, one.found, one.next) : one)),
    );
  }
};
