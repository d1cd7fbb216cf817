import type { ConnectionLimits } from './options.ts';

/** Who is here, by address. */
export const places = ({ overall, perAddress }: ConnectionLimits) => {
  const taken = new Map<string, number>();
  let all = 0;
  return {
    /** A way to leave again; undefined: there is no room. */
    enter(address: string): (() => void) | undefined {
      const own = taken.get(address) ?? 0;
      if (all >= overall || own >= perAddress) return undefined;
      all += 1;
      taken.set(address, own + 1);
      return () => {
        all -= 1;
        const left = (taken.get(address) ?? 1) - 1;
        if (left > 0) taken.set(address, left);
        else taken.delete(address);
      };
    },
  };
};
