import type { Mailbox } from './entities.ts';
import type { MailboxDescription } from './mailbox-description.ts';
import {
  type Detour,
  type Outbox,
  type Route,
  type RouteChoice,
  routeOf,
  type Stop,
  standingStop,
  triedNow,
} from './outbox.ts';

/** By which way a mailbox's mail goes, why not by the other, and what keeps it from going at all. */
export interface MailWay {
  readonly choice: RouteChoice;
  readonly route: Route;
  /** While the choice is left to the broker, and the mail server would not have it (R42). */
  readonly detour: Detour | undefined;
  readonly stop: Stop | undefined;
}

/** A mailbox as administrators see it. */
export interface AdministeredMailbox extends MailboxDescription {
  readonly way: MailWay;
}

export const mailWayOf = ({ route: choice = 'auto' }: Pick<Mailbox, 'route'>, outbox: Outbox, now: number): MailWay => {
  const route = routeOf(choice, outbox, now);
  const detour = choice === 'auto' && route === 'api' ? outbox.detour : undefined;
  return { choice, route, detour, stop: standingStop(outbox, now) };
};

/** Another way was chosen: it is tried at once, whatever stood in the other's, and the mail server is not passed by any more. */
export const rerouted = ({ detour, ...outbox }: Outbox, now: number): Outbox => triedNow(outbox, now);
