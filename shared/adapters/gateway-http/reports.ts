import type { GatewayReport } from '../../ports/gateway-link.ts';
import { REPORT_LIMIT } from '../../protocol/gateway-report.ts';

/** Far below what the broker takes in a request: also the replies of servers to many recipients are in there. */
const BATCH_BYTES = 1_000_000;

/** In the same order; each list short enough for one report, and one that is longer than that alone. */
const batches = <One>(list: readonly One[]): readonly (readonly One[])[] => {
  const made: One[][] = [];
  let bytes = 0;
  for (const one of list) {
    const size = Buffer.byteLength(JSON.stringify(one));
    const last = made.at(-1);
    if (last && last.length < REPORT_LIMIT && bytes + size <= BATCH_BYTES) {
      last.push(one);
      bytes += size;
    } else {
      made.push([one]);
      bytes = size;
    }
  }
  return made;
};

/** As many reports as it takes to tell all of it; at least one, for the state. */
export const reportsOf = ({ submissions, outboxes, waiting, state }: GatewayReport): readonly GatewayReport[] => {
  const lists = { submissions: batches(submissions), outboxes: batches(outboxes), waiting: batches(waiting) };
  const count = Math.max(1, ...Object.values(lists).map(({ length }) => length));
  return Array.from({ length: count }, (_, index) => ({
    submissions: lists.submissions[index] ?? [],
    outboxes: lists.outboxes[index] ?? [],
    waiting: lists.waiting[index] ?? [],
    state,
  }));
};
