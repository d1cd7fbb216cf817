import type { ServerResponse } from 'node:http';

/** What a test makes a server do instead of, or besides, its work. */
export type HttpFault =
  /** Answers this and does nothing else. An object is sent as JSON. */
  | {
      readonly kind: 'reply';
      readonly status: number;
      readonly body?: string | { readonly [name: string]: unknown } | undefined;
      readonly headers?: { readonly [name: string]: string } | undefined;
    }
  /** Waits, then works as usual. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** Never answers, and does nothing. */
  | { readonly kind: 'hang' }
  /** Resets the connection, and does nothing. */
  | { readonly kind: 'reset' }
  /** Does the work, and resets the connection in place of the reply: the provider's side of rule 2. */
  | { readonly kind: 'lose_reply' };

/** How often: `always` until cleared. */
export type Times = number | 'always';

/** Faults waiting at named places, and how often each place was visited. */
export const faultBoard = <Place extends string, Fault>() => {
  const waiting = new Map<Place, { readonly fault: Fault; left: number }>();
  const visits = new Map<string, number>();
  return {
    /** Replaces what waits there; undefined clears it. */
    set: (place: Place, fault: Fault | undefined, times: Times = 1): void => {
      if (fault === undefined) waiting.delete(place);
      else waiting.set(place, { fault, left: times === 'always' ? Number.POSITIVE_INFINITY : times });
    },
    clear: (): void => waiting.clear(),
    take: (place: Place): Fault | undefined => {
      const entry = waiting.get(place);
      if (entry === undefined) return undefined;
      entry.left -= 1;
      if (entry.left <= 0) waiting.delete(place);
      return entry.fault;
    },
    count: (name: string): void => {
      visits.set(name, (visits.get(name) ?? 0) + 1);
    },
    counters: (): Readonly<Record<string, number>> => Object.fromEntries(visits),
    resetCounters: (): void => visits.clear(),
  };
};

/** Does what the fault says. `ended`: there is nothing left to do. */
export const performFault = async (
  fault: HttpFault | undefined,
  response: ServerResponse,
): Promise<'go on' | 'ended'> => {
  switch (fault?.kind) {
    case undefined:
      return 'go on';
    case 'reply': {
      const { status, body = '', headers } = fault;
      const json = typeof body === 'string' ? undefined : { 'content-type': 'application/json' };
      response.writeHead(status, { ...json, ...headers }).end(typeof body === 'string' ? body : JSON.stringify(body));
      return 'ended';
    }
    case 'delay':
      await new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
      return 'go on';
    case 'hang':
      return 'ended';
    case 'reset':
      response.socket?.resetAndDestroy();
      return 'ended';
    case 'lose_reply':
      response.end = () => {
        response.socket?.resetAndDestroy();
        return response;
      };
      return 'go on';
  }
};
