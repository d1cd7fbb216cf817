/**
 * Looks after the keys that seal tokens: docs/vaults.md, "Keys". `npm run keys -- status | rotate [ring] | reseal |
 * retire [ring] <key id> [--force]`. On one machine over the data folder; in the cloud where the variables of the
 * functions are set.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dynamodbClient } from '../shared/adapters/dynamodb/dynamodb-client.ts';
import { dynamodbTable } from '../shared/adapters/dynamodb/dynamodb-table.ts';
import { envelopeTokenVault, sealedRefreshTokens } from '../shared/adapters/envelope/envelope-token-vault.ts';
import { fileKeyCustody } from '../shared/adapters/key-ring/file-key-custody.ts';
import { fileKeyRing } from '../shared/adapters/key-ring/file-key-ring.ts';
import { secretsManagerClient } from '../shared/adapters/secrets-manager/secrets-manager-client.ts';
import { secretsManagerKeyCustody } from '../shared/adapters/secrets-manager/secrets-manager-key-custody.ts';
import { secretsManagerKeyRing } from '../shared/adapters/secrets-manager/secrets-manager-key-ring.ts';
import { openDatabase } from '../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../shared/adapters/sqlite/sqlite-table.ts';
import { systemClock as clock } from '../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../shared/adapters/system/system-random.ts';
import { ConfigError } from '../shared/config/config-document.ts';
import { readLocalEnvironment } from '../shared/config/local-environment.ts';
import type { KeyCustody } from '../shared/ports/key-custody.ts';
import { type KeyRing, noKeyRing } from '../shared/ports/key-ring.ts';
import type { Table } from '../shared/ports/table.ts';
import { brokerRecords } from '../shared/records/index.ts';
import * as use from '../shared/usecases/look-after-keys.ts';
import { CommandTrouble, runCommand } from './cloud/command-trouble.ts';

const USAGE = 'npm run keys -- status | rotate [ring] | reseal | retire [ring] <key id> [--force]';

interface Rings {
  readonly table: Table;
  readonly custodies: ReadonlyMap<use.RingName, KeyCustody>;
  /** Of which nobody has said where they are, with the variable that would. */
  readonly unnamed: ReadonlyMap<use.RingName, string>;
  readonly vaultKeys: KeyRing;
  readonly webhookKeys: KeyRing;
}

const onThisMachine = (): Rings => {
  const { dataDir } = readLocalEnvironment(process.env);
  const database = join(dataDir, 'broker.sqlite');
  if (!existsSync(database)) throw new ConfigError(`${dataDir} holds no broker's data; set BROKER_DATA_DIR.`);
  const pathOf = (ring: use.RingName): string => join(dataDir, 'keys', `${ring}.json`);
  // A ring that nothing has used yet has no file.
  const there = use.RINGS.filter((ring) => existsSync(pathOf(ring)));
  return {
    table: sqliteTable(openDatabase(database)),
    custodies: new Map(there.map((ring) => [ring, fileKeyCustody(pathOf(ring))])),
    unnamed: new Map(),
    vaultKeys: there.includes('refresh-tokens') ? fileKeyRing(pathOf('refresh-tokens'), clock) : noKeyRing,
    webhookKeys: there.includes('webhooks') ? fileKeyRing(pathOf('webhooks'), clock) : noKeyRing,
  };
};

const SECRET_VARIABLES: Readonly<Record<use.RingName, string>> = {
  'access-tokens': 'BROKER_ACCESS_KEYS_SECRET',
  'refresh-tokens': 'BROKER_VAULT_KEYS_SECRET',
  webhooks: 'BROKER_WEBHOOK_KEYS_SECRET',
};

const secretOf = (ring: use.RingName): string | undefined => process.env[SECRET_VARIABLES[ring]];

const inTheCloud = (): Rings => {
  const { BROKER_TABLE: table } = process.env;
  if (!table) throw new ConfigError('BROKER_TABLE is missing; it names the DynamoDB table.');
  const client = secretsManagerClient();
  const ringOf = (ring: use.RingName): KeyRing => {
    const secretId = secretOf(ring);
    return secretId ? secretsManagerKeyRing(client, { secretId, clock }) : noKeyRing;
  };
  return {
    table: dynamodbTable(dynamodbClient(), table),
    custodies: new Map(
      use.RINGS.flatMap((ring) => {
        const secretId = secretOf(ring);
        return secretId ? [[ring, secretsManagerKeyCustody(client, secretId)]] : [];
      }),
    ),
    unnamed: new Map(
      use.RINGS.filter((ring) => !secretOf(ring)).map((ring) => [ring, SECRET_VARIABLES[ring]] as const),
    ),
    vaultKeys: ringOf('refresh-tokens'),
    webhookKeys: ringOf('webhooks'),
  };
};

const openRings = (): Rings => (use.RINGS.some(secretOf) ? inTheCloud() : onThisMachine());

const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

const nameAll = (by: readonly use.KeyUser[]): void => {
  for (const { id, address } of by) console.log(`      ${id}  ${address}`);
};

const LOST: Record<use.RingName, string> = {
  'access-tokens':
    'their access tokens are fetched anew at the next refresh, and sign-ins under way must be begun anew:',
  'refresh-tokens': 'restore the key ring from a backup, or sign these mailboxes in again:',
  webhooks: 'restore the key ring from a backup, or make new secrets for these webhooks:',
};

const users = (ring: use.RingName, n: number): string =>
  ring === 'webhooks' ? count(n, 'webhook') : count(n, 'mailbox', 'mailboxes');

const compose = ({ table, custodies, unnamed, vaultKeys, webhookKeys }: Rings) => {
  const records = brokerRecords(table, noKeyRing, clock, random, { webhookKeys });
  const sealedRefreshToken = sealedRefreshTokens(table);
  const findKeyUse = use.makeFindKeyUse({ records, sealedRefreshToken, clock });
  const vault = envelopeTokenVault(table, vaultKeys);
  return {
    custodies,
    unnamed,
    findKeyUse,
    rotateKey: use.makeRotateKey(clock),
    retireKey: use.makeRetireKey({ findKeyUse, clock }),
    resealVault: use.makeResealVault({ records, sealedRefreshToken, vault }),
    resealWebhooks: use.makeResealWebhooks({ records }),
  };
};

type Keys = ReturnType<typeof compose>;

/** Also of a ring that is gone: what was sealed under its keys is still there. */
const status = async ({ custodies, unnamed, findKeyUse }: Keys): Promise<void> => {
  for (const ring of use.RINGS) {
    const names = await custodies.get(ring)?.names();
    const used = await findKeyUse(ring);
    if (names || used.size > 0) console.log(ring);
    const variable = unnamed.get(ring);
    if (variable !== undefined) {
      if (used.size > 0) console.log(`  in use, but not looked at: set ${variable}`);
      continue;
    }
    for (const keyId of names?.all ?? []) {
      const role = keyId === names?.current ? 'current' : keyId === names?.next?.keyId ? 'next' : 'older';
      console.log(`  ${keyId}  ${role}  needed by ${users(ring, used.get(keyId)?.length ?? 0)}`);
    }
    for (const [keyId, by] of used) {
      if (names?.all.includes(keyId)) continue;
      console.log(`  ${keyId}  MISSING  needed by ${users(ring, by.length)}; ${LOST[ring]}`);
      nameAll(by);
      process.exitCode = 1;
    }
  }
};

const rotate = async ({ custodies, rotateKey }: Keys, only: string | undefined): Promise<void> => {
  const chosen = [...custodies].filter(([ring]) => only === undefined || ring === only);
  if (chosen.length === 0)
    throw new ConfigError(`There is no key ring ${only ?? ''}; known are ${use.RINGS.join(', ')}.`);
  await Promise.all(
    chosen.map(async ([ring, custody]) => {
      const { current } = await rotateKey(custody, (keyId, seconds) =>
        console.log(`${ring}: added ${keyId}; it seals in ${count(seconds, 'second')}, when every process holds it`),
      );
      console.log(
        `${ring}: ${current} seals from now on. Older keys stay until nothing needs them: npm run keys -- status`,
      );
    }),
  );
};

const reseal = async ({ custodies, resealVault, resealWebhooks }: Keys): Promise<void> => {
  const names = await custodies.get('refresh-tokens')?.names();
  const read = names ? await resealVault(names) : 0;
  console.log(`refresh-tokens: ${count(read, 'token')} sealed anew`);
  const ofWebhooks = await custodies.get('webhooks')?.names();
  if (ofWebhooks) console.log(`webhooks: ${count(await resealWebhooks(ofWebhooks), 'secret')} sealed anew`);
};

const REFUSED = {
  unknown: () => 'no ring holds it',
  current: () => 'it is the current one\nhint: npm run keys -- rotate',
  just_replaced: ({ waitSeconds }: { waitSeconds: number }) =>
    `it was current until a moment ago, and a process may still use it\nhint: try again in ${count(waitSeconds, 'second')}`,
  needed: ({ by: { length } }: { by: readonly use.KeyUser[] }, ring: use.RingName) =>
    `${users(ring, length)} ${length === 1 ? 'needs' : 'need'} it\n` +
    'hint: npm run keys -- reseal; access tokens run out by themselves within hours; --force gives them up',
};

const refusalText = (refusal: use.RetireRefusal, ring: use.RingName): string => {
  if (refusal.why === 'needed') return REFUSED.needed(refusal, ring);
  return refusal.why === 'just_replaced' ? REFUSED.just_replaced(refusal) : REFUSED[refusal.why]();
};

const retire = async (keys: Keys, named: readonly string[], force: boolean): Promise<void> => {
  const keyId = named.at(-1) ?? '';
  const holders: [use.RingName, KeyCustody][] = [];
  for (const [ring, custody] of keys.custodies) {
    if (named.length > 1 && named[0] !== ring) continue;
    if ((await custody.names()).all.includes(keyId)) holders.push([ring, custody]);
  }
  const [[ring, custody] = [], another] = holders;
  if (another) throw new ConfigError(`Several rings hold a key ${keyId}; name the ring too: retire ${ring} ${keyId}`);
  const retired = ring && custody ? await keys.retireKey(ring, custody, { keyId, force }) : undefined;
  if (!ring || !retired?.ok) {
    console.error(
      `error: ${keyId} stays: ${refusalText(retired?.ok === false ? retired.error : { why: 'unknown' }, ring ?? 'access-tokens')}`,
    );
    process.exitCode = 1;
    return;
  }
  console.log(`${ring}: ${keyId} is removed`);
  if (retired.value.lost.length === 0) return;
  console.log(`  ${users(ring, retired.value.lost.length)} needed it; ${LOST[ring]}`);
  nameAll(retired.value.lost);
};

const main = async (): Promise<void> => {
  const { positionals, values } = parseArgs({
    args: process.argv.slice(2),
    options: { force: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [command, ...named] = positionals;
  const keys = () => compose(openRings());
  if (command === 'status' && named.length === 0) return status(keys());
  if (command === 'rotate' && named.length <= 1) return rotate(keys(), named[0]);
  if (command === 'reseal' && named.length === 0) return reseal(keys());
  if (command === 'retire' && (named.length === 1 || named.length === 2)) return retire(keys(), named, values.force);
  throw new CommandTrouble('Say status, rotate, reseal or retire.', USAGE);
};

await runCommand(main, { usage: USAGE, settings: 'docs/vaults.md, "Keys"' });
