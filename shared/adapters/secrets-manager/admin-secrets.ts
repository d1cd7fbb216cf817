import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { parseAdminKey } from '../../config/admin-key.ts';
import type { Clock } from '../../ports/clock.ts';
import type { KeyRing } from '../../ports/key-ring.ts';
import { secretText } from './secret-text.ts';
import { secretsManagerKeyRing } from './secrets-manager-key-ring.ts';

/** What the console and the admin API know of secrets: their own key, and the keys that seal those of webhooks. */
export const adminSecrets = async (
  client: SecretsManagerClient,
  { adminKey, webhookKeys, clock }: { readonly adminKey: string; readonly webhookKeys: string; readonly clock: Clock },
): Promise<{ readonly adminKey: string; readonly webhookKeys: KeyRing }> => ({
  adminKey: parseAdminKey(await secretText(client, adminKey), 'The admin key secret'),
  webhookKeys: secretsManagerKeyRing(client, { secretId: webhookKeys, clock }),
});
