import { type Emulator, type InjectFault, serveAwsJson } from './aws-json.ts';
import { makeSecretsManagerState } from './secrets-manager-state.ts';

export interface SecretsManagerOptions {
  readonly injectFault?: InjectFault;
  /** Milliseconds since the epoch; for deletion windows and the limit of versions in 24 h. */
  readonly now?: () => number;
  /** How many requests a forced deletion keeps the name taken for: AWS carries it out in the background. */
  readonly forcedDeletionRequests?: number;
}

/** Secrets Manager's part that the broker uses, over HTTP, with the semantics of its API reference. */
export const startSecretsManager = (options: SecretsManagerOptions = {}): Promise<Emulator> => {
  const { injectFault, now = Date.now, forcedDeletionRequests = 0 } = options;
  const operations = makeSecretsManagerState({ now, forcedDeletionRequests });
  return serveAwsJson(
    'application/x-amz-json-1.1',
    async ({ operation, input }) => ({ status: 200, body: operations.run(operation, input) }),
    injectFault,
  );
};
