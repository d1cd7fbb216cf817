import * as v from 'valibot';
import { RECEIVE_PROTOCOLS } from '../../domain/connection-test.ts';
import type { MailboxTester } from '../../ports/mailbox-tester.ts';

const REQUEST = v.variant('direction', [
  v.object({
    direction: v.literal('send'),
    recipient: v.exactOptional(v.string()),
    mailboxId: v.string(),
    language: v.string(),
  }),
  v.object({
    direction: v.literal('receive'),
    protocol: v.picklist(RECEIVE_PROTOCOLS),
    mailboxId: v.string(),
    language: v.string(),
  }),
]);

/** The other end of `lambdaMailboxTester`. */
export const testMailboxHandler =
  (tester: MailboxTester) =>
  (event: unknown): ReturnType<MailboxTester['test']> =>
    tester.test(v.parse(REQUEST, event));
