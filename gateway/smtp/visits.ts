/** A connection, from the moment it is known whose it is until its socket is closed. */
export interface Visit {
  readonly address: string;
  readonly startedAtMs: number;
  /** Ends it at once. Whoever holds the socket says how. */
  cut: () => void;
  end(): void;
}

export interface Visits {
  /** Undefined: there are too many already. */
  begin(address: string, startedAtMs: number, limits: VisitLimits): Visit | undefined;
  cutAll(): void;
}

interface VisitLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
}

/** An IPv4 address as such, where a listener for both versions has it as `::ffff:192.0.2.1` (RFC 4291 section 2.5.5.2). */
export const plainAddress = (address: string | undefined): string =>
  (address ?? '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').toLowerCase();

/** Counts who is there, in all and by address. */
export const makeVisits = (): Visits => {
  const all = new Set<Visit>();
  const byAddress = new Map<string, number>();
  const count = (address: string, by: 1 | -1): void => {
    const visits = (byAddress.get(address) ?? 0) + by;
    if (visits === 0) byAddress.delete(address);
    else byAddress.set(address, visits);
  };
  return {
    begin(address, startedAtMs, { connections, connectionsPerAddress }) {
      if (all.size >= connections || (byAddress.get(address) ?? 0) >= connectionsPerAddress) return undefined;
      const visit: Visit = {
        address,
        startedAtMs,
        cut: () => undefined,
        end() {
          if (all.delete(visit)) count(address, -1);
        },
      };
      all.add(visit);
      count(address, 1);
      return visit;
    },
    cutAll() {
      for (const visit of all) visit.cut();
    },
  };
};
