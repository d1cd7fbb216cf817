/** Minutes of the ring: more than the 36 hours that a keep-alive may lie ahead. A power of two. */
const MINUTES = 4096;
const NONE = -1;

/**
 * The due index of a million grants in a few megabytes: for each shard and minute a list, linked through arrays, so that a
 * grant is moved without a search. Within a minute the order is arbitrary.
 */
export const dueCalendar = (size: number, shards: number, start: number) => {
  const heads = new Int32Array(shards * MINUTES).fill(NONE);
  const nexts = new Int32Array(size).fill(NONE);
  const previous = new Int32Array(size).fill(NONE);
  const places = new Int32Array(size).fill(NONE);
  const dues = new Float64Array(size);
  /** No grant of the shard is due in a minute before. */
  const oldest = new Int32Array(shards);

  /** The first minute at whose beginning it is due. */
  const minuteOf = (at: number): number => Math.max(0, Math.ceil((at - start) / 60));

  const remove = (grant: number): void => {
    const place = places[grant] ?? NONE;
    if (place === NONE) return;
    const [next, before] = [nexts[grant] ?? NONE, previous[grant] ?? NONE];
    if (before === NONE) heads[place] = next;
    else nexts[before] = next;
    if (next !== NONE) previous[next] = before;
    places[grant] = NONE;
  };

  return {
    remove,
    dueAt: (grant: number): number => dues[grant] ?? 0,

    put(grant: number, shard: number, dueAt: number): void {
      remove(grant);
      const minute = minuteOf(dueAt);
      const place = shard * MINUTES + (minute % MINUTES);
      const head = heads[place] ?? NONE;
      nexts[grant] = head;
      previous[grant] = NONE;
      if (head !== NONE) previous[head] = grant;
      heads[place] = grant;
      places[grant] = place;
      dues[grant] = dueAt;
      if (minute < (oldest[shard] ?? 0)) oldest[shard] = minute;
    },

    /** What is due in a shard, oldest first. It stays there until it is removed. */
    find(shard: number, until: number, limit: number): readonly number[] {
      const last = Math.floor((until - start) / 60);
      const found: number[] = [];
      for (let minute = oldest[shard] ?? 0; minute <= last; minute++) {
        const head = heads[shard * MINUTES + (minute % MINUTES)] ?? NONE;
        if (head === NONE && found.length === 0) oldest[shard] = minute;
        for (let grant = head; grant !== NONE; grant = nexts[grant] ?? NONE) {
          if (found.length >= limit) return found;
          found.push(grant);
        }
      }
      return found;
    },
  };
};
