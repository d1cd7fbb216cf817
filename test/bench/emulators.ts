/**
 * dynalite and Secrets Manager in a process of their own, so that their work does not count as the function's. Tells
 * where they listen by IPC, and ends with the one who started it.
 */
import dynalite from 'dynalite';
import { listen } from '../fakes/aws-json.ts';
import { startSecretsManager } from '../fakes/secrets-manager.ts';

export interface Emulators {
  readonly dynamodb: string;
  readonly secretsManager: string;
}

const dynamodb = await listen(dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 }));
const { endpoint } = await startSecretsManager();
process.send?.({ dynamodb: `http://127.0.0.1:${dynamodb}`, secretsManager: endpoint } satisfies Emulators);
process.on('disconnect', () => process.exit());
