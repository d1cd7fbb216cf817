import type { Log } from '../../ports/log.ts';
import { correlated, newCorrelationId } from '../correlation/correlation.ts';
import { type Invocation, invokedAs } from './invocation.ts';

/**
 * Everything that is done every minute, each part for itself: one that fails does not keep the others from running. Throws
 * in the end, so that the function's alarm sees it.
 */
export const sweepHandler = <Part extends string>(parts: Readonly<Record<Part, () => Promise<unknown>>>, log: Log) => {
  const sweep = async (): Promise<Partial<Record<Part, unknown>>> => {
    const done: Partial<Record<Part, unknown>> = {};
    const failed: Part[] = [];
    const run = async (part: Part): Promise<void> => {
      try {
        done[part] = await parts[part]();
      } catch (error) {
        failed.push(part);
        log.error('sweep.failed', { part, error: String(error) });
      }
    };
    await Promise.all((Object.keys(parts) as Part[]).map(run));
    if (failed.length > 0) throw new Error(`the sweep failed in part: ${failed.join(', ')}`);
    return done;
  };
  return (_schedule?: unknown, invocation?: Invocation) =>
    correlated({ correlation_id: newCorrelationId(), ...invokedAs(invocation) }, sweep);
};
