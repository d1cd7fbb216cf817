import type { TestContext } from 'node:test';

/** Closes what a test started when the test is over, however it ends: an open socket would keep the run from ending. */
export const during = <Started extends { close(): Promise<void> }>(test: TestContext, started: Started): Started => {
  test.after(() => started.close());
  return started;
};
