import type { Mailbox } from './entities.ts';
import { type Detour, type Outbox, type Route, type RouteChoice, routeOf } from './outbox.ts';

/** By which way a mailbox's mail goes, and why not by the other. */
export interface MailWay {
  readonly choice: RouteChoice;
  readonly route: Route;
  /** While the choice is left to the broker, and the mail server would not have it (R42). */
  readonly detour: Detour | undefined;
}

export const mailWayOf = ({ route: choice = 'auto' }: Pick<Mailbox, 'route'>, outbox: Outbox, now: number): MailWay => {
  const route = routeOf(choice, outbox, now);
  return { choice, route, detour: choice === 'auto' && route === 'api' ? outbox.detour : undefined };
};

/** Another way was chosen: it is tried at once, whatever stood in the other's, and the mail server is not passed by any more. */
export const rerouted = ({ detour, stop, ...outbox }: Outbox, now: number): Outbox => ({
  ...outbox,
  ...(stop && { stop: { ...stop, until: Math.min(stop.until, now) } }),
});
