import { type ConnectionTest, failedStep } from '../../domain/connection-test.ts';
import { isAddress } from '../../domain/envelope.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { MailboxTester, TestWish } from '../../ports/mailbox-tester.ts';
import type { RecordsWithin } from './reach.ts';

interface Dependencies {
  readonly records: Pick<RecordsWithin, 'mailboxes' | 'connectionTests' | 'audit'>;
  readonly mailboxTester: MailboxTester;
  readonly clock: Clock;
}

/** `send: passed`, `receive by pop: auth, sign_in_refused`. */
const outcomeOf = ({ direction, protocol, steps }: ConnectionTest): string => {
  const failure = failedStep({ steps });
  const what = direction === 'send' ? 'send' : `receive by ${protocol}`;
  return `${what}: ${failure ? `${failure.step}, ${failure.why}` : 'passed'}`;
};

export const connectionTestAdministration = ({ records, mailboxTester, clock }: Dependencies) => ({
  /** `too_many_attempts`: it was tested just before, or is too busy; `retryAfterSeconds` says for how long. */
  async run(mailboxId: string, wish: TestWish, language: string): Promise<Result<ConnectionTest, BrokerError>> {
    const mailbox = await records.mailboxes.get(mailboxId);
    if (mailbox === undefined) return fail(brokerError('not_found', 'No such mailbox.'));
    if (wish.direction === 'send' && wish.recipient !== undefined && !isAddress(wish.recipient)) {
      return fail(brokerError('invalid_request', `Not a mail address: ${JSON.stringify(wish.recipient)}`));
    }
    const { waitSeconds } = await records.connectionTests.begin(mailboxId, epochSeconds(clock));
    if (waitSeconds > 0) {
      const detail = `The mailbox was tested just before; test it again in ${waitSeconds} s.`;
      return fail({ ...brokerError('too_many_attempts', detail), retryAfterSeconds: waitSeconds });
    }
    const tested = await mailboxTester.test({ ...wish, mailboxId, language });
    if (!tested.ok) return tested;
    const { organizationId, id, address } = mailbox;
    const detail = `${address}, ${outcomeOf(tested.value)}`;
    await records.audit.add({ organizationId, action: 'mailbox.tested', subject: id, detail });
    return tested;
  },
});

export type ConnectionTestAdministration = ReturnType<typeof connectionTestAdministration>;
