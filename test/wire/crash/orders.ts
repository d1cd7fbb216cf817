import type { Mailbox } from '../../../shared/domain/entities.ts';
import type { Callback } from '../../../shared/usecases/sign-in/complete-sign-in.ts';
import type { Place, Registration } from './composition.ts';

/** What a process is to do, as JSON on its standard input. */
export interface Orders {
  readonly place: Place;
  readonly registration: Registration;
  readonly work: Work;
  /** It kills itself at its nth step; absent: not. */
  readonly dieAtStep?: number;
}

export type Work =
  | { readonly operation: 'refresh'; readonly mailboxId: string; readonly times: number }
  | { readonly operation: 'sign-in'; readonly callback: Callback }
  | { readonly operation: 'sign-out'; readonly mailbox: Mailbox };

/** A line of its standard output. */
export type Said = { readonly step: string; readonly atMs: number } | { readonly outcome: string };
