/** Chance that is the same in every run of one seed, and fast: a simulation draws it a billion times. */
export interface Chance {
  /** In [0, 1). */
  fraction(): number;
  /** A whole number in [0, `below`). */
  whole(below: number): number;
  /** How many of many independent, rare events happen where `mean` are expected. */
  count(mean: number): number;
  bytes(count: number): Uint8Array;
}

/** Above this a Poisson distribution looks like a normal one, and drawing it event by event takes long. */
const MANY = 50;

/** mulberry32, public domain (T. Ettinger): passes the usual tests, and needs one 32-bit word of state. */
export const seededChance = (seed: number): Chance => {
  let state = seed >>> 0;
  const word = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const fraction = (): number => word() / 2 ** 32;
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - fraction())) * Math.cos(2 * Math.PI * fraction());

  return {
    fraction,
    whole: (below) => Math.floor(fraction() * below),
    count(mean) {
      if (mean > MANY) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()));
      const limit = Math.exp(-mean);
      let drawn = 0;
      for (let product = fraction(); product > limit; product *= fraction()) drawn++;
      return drawn;
    },
    bytes: (count) => Uint8Array.from({ length: count }, () => word() & 0xff),
  };
};
