import type { IncomingMessage, ServerResponse } from 'node:http';
import { faultBoard, type HttpFault, performFault, type Times } from '../faults.ts';
import type { TokenVerdict } from '../identity/token-check.ts';
import type { Delivery, ReceivedMessage } from '../mail/store.ts';

/** `cut`: the connection is reset when so much of the request has come; the rest of it is never read. */
export type ApiFault = HttpFault | { readonly kind: 'cut'; readonly afterBytes: number };

/** What a test can do to an API, and ask of it. */
export interface ApiStandIn {
  /** As the broker's configuration names it. */
  readonly url: string;
  setFault(place: string, fault: ApiFault | undefined, times?: Times): void;
  clearFaults(): void;
  /** Requests by place, faulted ones included; and `concurrent`, the most for one mailbox at once. */
  counters(): Readonly<Record<string, number>>;
  /** Drafts, or uploads, that nobody has sent or deleted. */
  unfinished(): number;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export interface ApiOptions {
  readonly url: string;
  /** Drafts and uploads go below it. */
  readonly folder: string;
  readonly verifyToken: (accessToken: string, scope?: string) => Promise<TokenVerdict>;
  readonly deliver: (
    content: AsyncIterable<Buffer>,
    delivery: Omit<Delivery, 'tlsVersion' | 'cipher'>,
  ) => Promise<ReceivedMessage>;
}

/** One request while it is served. */
export interface Served {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly cutAfterBytes: number | undefined;
}

/** The request is answered already, or nobody is there any more. */
export class Ended extends Error {
  override readonly name = 'Ended';
}

/** A refusal in the API's own words. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal';
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, code: string, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** As it comes; ends with `Ended` where a fault cuts it off, or the client does. */
export const bodyOf = async function* ({ request, response, cutAfterBytes }: Served): AsyncIterable<Buffer> {
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      yield chunk;
      if (cutAfterBytes !== undefined && bytes >= cutAfterBytes) break;
    }
  } catch {
    throw new Ended();
  }
  if (cutAfterBytes === undefined) return;
  response.socket?.resetAndDestroy();
  throw new Ended();
};

/** At most that much, else the refusal; the rest is read and dropped, so that the client hears it. */
export const wholeBody = async (served: Served, limitBytes: number, tooLarge: () => ApiRefusal): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of bodyOf(served)) {
    bytes += chunk.length;
    if (bytes <= limitBytes) chunks.push(chunk);
  }
  if (bytes > limitBytes) throw tooLarge();
  return Buffer.concat(chunks);
};

/** Counts, faults, and refusals as replies: what both APIs have in common. */
export const serveApi = ({
  placeOf,
  serve,
  refuse,
}: {
  readonly placeOf: (request: IncomingMessage, path: string) => string;
  readonly serve: (served: Served, place: string) => Promise<void>;
  readonly refuse: (response: ServerResponse, refusal: ApiRefusal) => void;
}) => {
  const board = faultBoard<string, ApiFault>();
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://any');
    const place = placeOf(request, url.pathname);
    board.count(place);
    const fault = board.take(place);
    const cutAfterBytes = fault?.kind === 'cut' ? fault.afterBytes : undefined;
    try {
      if (fault !== undefined && fault.kind !== 'cut') {
        if (fault.kind === 'reply') for await (const _ of request);
        if ((await performFault(fault, response)) === 'ended') return;
      }
      await serve({ request, response, url, cutAfterBytes }, place);
    } catch (error) {
      if (error instanceof ApiRefusal && !response.headersSent) {
        // Unread, the request would be a connection reset to who sends it.
        if (!request.readableEnded && cutAfterBytes === undefined) for await (const _ of request);
        return refuse(response, error);
      }
      if (!(error instanceof Ended) && !response.headersSent) response.writeHead(500).end(String(error));
      else response.destroy();
    }
  };
  return { board, handle };
};

/** Who may do what at once and in a minute, for one mailbox after the other. */
export const mailboxTally = () => {
  const now = new Map<string, number>();
  const events = new Map<string, { readonly at: number; readonly amount: number }[]>();
  let concurrent = 0;
  return {
    concurrent: () => concurrent,
    enter(mailbox: string): number {
      const count = (now.get(mailbox) ?? 0) + 1;
      now.set(mailbox, count);
      concurrent = Math.max(concurrent, count);
      return count;
    },
    leave(mailbox: string): void {
      now.set(mailbox, (now.get(mailbox) ?? 1) - 1);
    },
    /** Counts `amount`, unless the sum of the last seconds would be above the limit. Undefined: counted. */
    spend(what: string, amount: number, limit: number, seconds: number): number | undefined {
      const time = Date.now();
      const recent = (events.get(what) ?? []).filter(({ at }) => at > time - seconds * 1000);
      const sum = recent.reduce((total, event) => total + event.amount, 0);
      events.set(what, recent);
      if (sum + amount <= limit) {
        recent.push({ at: time, amount });
        return undefined;
      }
      return Math.max(1, Math.ceil(((recent[0]?.at ?? time) + seconds * 1000 - time) / 1000));
    },
  };
};
