import type { ConnectionTest, ReceiveProtocol } from '../domain/connection-test.ts';
import type { BrokerError } from '../domain/errors.ts';
import type { Result } from '../domain/result.ts';

export type TestWish =
  /** `recipient`: a bare address, to whom a test message goes; without one nothing is sent. */
  | { readonly direction: 'send'; readonly recipient?: string }
  | { readonly direction: 'receive'; readonly protocol: ReceiveProtocol };

export type TestRequest = TestWish & {
  readonly mailboxId: string;
  /** In which the test message is written. */
  readonly language: string;
};

/**
 * The door to whoever may have an access token and reach a mail server: those who administer may not. What a step came to is in
 * the test; an error is why there was none. `too_many_attempts` with a wait: the mailbox is too busy to be tested.
 */
export interface MailboxTester {
  test(request: TestRequest): Promise<Result<ConnectionTest, BrokerError>>;
}

/** For who administers and never tests. */
export const noMailboxTester: MailboxTester = {
  async test() {
    throw new Error('this composition has no mailbox tester');
  },
};
