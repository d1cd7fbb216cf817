import * as v from 'valibot';
import { RECEIVE_PROTOCOLS } from '../../domain/connection-test.ts';
import type { MailboxTester } from '../../ports/mailbox-tester.ts';
import { correlated } from '../correlation/correlation.ts';
import { askedFor, type Invocation, invokedAs } from './invocation.ts';

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
  (event: object, invocation?: Invocation): ReturnType<MailboxTester['test']> =>
    correlated({ ...invokedAs(invocation), ...askedFor(event) }, () => tester.test(v.parse(REQUEST, event)));
