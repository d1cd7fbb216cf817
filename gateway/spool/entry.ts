import * as v from 'valibot';
import type { ServedMailbox } from '../../shared/domain/gateway.ts';
import type { Submission } from '../../shared/domain/submission.ts';

/** One message in the spool: what stands in its `.json` file, beside the content in its `.eml` file. */
export interface SpoolEntry {
  readonly submission: Submission;
  /** As it was when the message came in; what the gateway has heard since is in the newest entry of that mailbox. */
  readonly mailbox: ServedMailbox;
  /** Grows with every change. */
  readonly revision: number;
}

/** Only what tells an entry from something else: nobody but the gateway writes here. */
const ENTRY = v.looseObject({
  submission: v.looseObject({
    id: v.string(),
    mailboxId: v.string(),
    status: v.looseObject({ state: v.string() }),
    envelope: v.looseObject({ to: v.array(v.string()) }),
  }),
  mailbox: v.looseObject({ id: v.string(), address: v.string(), provider: v.string() }),
  revision: v.number(),
});

/** Undefined: the file is damaged. */
export const parseEntry = (text: string): SpoolEntry | undefined => {
  try {
    const parsed: unknown = JSON.parse(text);
    return v.is(ENTRY, parsed) ? (parsed as unknown as SpoolEntry) : undefined;
  } catch {
    return undefined;
  }
};
