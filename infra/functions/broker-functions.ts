import { ArnFormat, type Duration, Stack } from 'aws-cdk-lib';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { CloudVariable, VaultChoice } from '../../shared/config/cloud-environment.ts';
import type { Egress } from '../network/egress-stack.ts';
import { letReadSecrets, letUseGrantSecrets, type SecretPlace } from '../rights/secret-access.ts';
import {
  type FunctionName,
  hyphened,
  TABLE_ACCESS,
  type TableAccess,
  VAULT_PARTITIONS,
} from '../rights/table-access.ts';
import { VAULT_ACCESS, type VaultRights, vaultPrefix } from '../rights/vault-access.ts';
import type { Settings } from '../settings/settings.ts';
import type { StatefulStack } from '../stateful-stack.ts';
import { BrokerFunction } from './broker-function.ts';
import { API_TIMEOUT, REFRESH_TIMEOUT, SEND_TIMEOUT, SIGN_IN_TIMEOUT, SWEEP_TIMEOUT } from './timing.ts';

export interface BrokerFunctionsProps {
  readonly settings: Settings;
  readonly stateful: StatefulStack;
  /** The folder with `<function>/index.mjs`. */
  readonly bundles: string;
  readonly publicUrl: string;
  /** From where providers are called; `undefined`: from wherever. */
  readonly egress: Egress | undefined;
}

/**
 * Who says anything to a provider or its mail servers: each refresh, the first one of a sign-in, which Conditional Access looks
 * at too, and mail. No other function is in the network, as it would pay for it and gain nothing.
 */
const CALLS_PROVIDERS: ReadonlySet<FunctionName> = new Set([
  'sign-in',
  'refresh-grants/worker',
  'relay-mail/send',
  'relay-mail/test',
]);

type Environment = { readonly [Variable in CloudVariable]?: string };

const SEND_MESSAGE = ['sqs:SendMessage'];

/** Every function with what it is told and what it may do; what sets it going is added elsewhere. */
export class BrokerFunctions {
  private readonly scope: Construct;
  private readonly props: BrokerFunctionsProps;
  readonly byName: Readonly<Record<FunctionName, BrokerFunction>>;

  constructor(scope: Construct, props: BrokerFunctionsProps) {
    this.scope = scope;
    this.props = props;
    const worker = this.refreshWorker();
    const tester = this.testMailbox(worker);
    this.byName = {
      'fetch-token': this.fetchToken(worker),
      'register-device': this.registerDevice(),
      'sign-in': this.signIn(),
      'refresh-grants/sweep': this.sweep(),
      'refresh-grants/worker': worker,
      'relay-mail/accept': this.acceptMail(),
      'relay-mail/send': this.sendMail(worker),
      'relay-mail/test': tester,
      'relay-mail/gateway': this.serveGateways(worker),
      notify: this.notify(),
      admin: this.admin(worker, tester),
    };
  }

  private fetchToken(worker: BrokerFunction): BrokerFunction {
    const { accessTokenKeys } = this.props.stateful;
    const fetchToken = this.make('fetch-token', 'Devices fetch access tokens', API_TIMEOUT, {
      BROKER_ACCESS_KEYS_SECRET: accessTokenKeys.secretArn,
      BROKER_MAIL_SERVERS: '{}',
      ...this.refresherVariables(worker),
    });
    return this.mayReadSecrets(this.mayAskForRefresh(fetchToken, worker), accessTokenKeys);
  }

  private registerDevice(): BrokerFunction {
    return this.make('register-device', 'Devices register themselves', API_TIMEOUT, {});
  }

  private signIn(): BrokerFunction {
    const { accessTokenKeys, providerConfig, mailQueue } = this.props.stateful;
    const signIn = this.make('sign-in', 'Mailboxes are signed in at their provider', SIGN_IN_TIMEOUT, {
      BROKER_ACCESS_KEYS_SECRET: accessTokenKeys.secretArn,
      BROKER_CONFIG_SECRET: providerConfig.secretArn,
      BROKER_MAIL_QUEUE_URL: mailQueue.queueUrl,
      ...this.vaultVariables('sign-in'),
    });
    this.mayReadSecrets(signIn, accessTokenKeys, providerConfig).may(SEND_MESSAGE, mailQueue.queueArn);
    return this.mayUseVault(signIn, 'sign-in');
  }

  private refreshWorker(): BrokerFunction {
    const { accessTokenKeys, providerConfig } = this.props.stateful;
    const worker = this.make('refresh-grants/worker', 'Refreshes grants at their provider', REFRESH_TIMEOUT, {
      BROKER_ACCESS_KEYS_SECRET: accessTokenKeys.secretArn,
      BROKER_CONFIG_SECRET: providerConfig.secretArn,
      ...this.vaultVariables('refresh-grants/worker'),
    });
    this.mayReadSecrets(worker, accessTokenKeys, providerConfig);
    return this.mayUseVault(worker, 'refresh-grants/worker');
  }

  private sweep(): BrokerFunction {
    const { table, messages, grantQueue, mailQueue, grantDeadLetters, mailDeadLetters } = this.props.stateful;
    const sweep = this.make('refresh-grants/sweep', 'Queues what is due', SWEEP_TIMEOUT, {
      BROKER_GRANT_QUEUE_URL: grantQueue.queueUrl,
      BROKER_GRANT_DEAD_LETTERS_URL: grantDeadLetters.queueUrl,
      BROKER_MAIL_QUEUE_URL: mailQueue.queueUrl,
      BROKER_MAIL_DEAD_LETTERS_URL: mailDeadLetters.queueUrl,
      BROKER_BLOB_BUCKET: messages.bucketName,
      BROKER_RETENTION_DAYS: this.retentionDays,
    });
    const queues = [grantQueue, mailQueue].map(({ queueArn }) => queueArn);
    const deadLetters = [grantDeadLetters, mailDeadLetters].map(({ queueArn }) => queueArn);
    sweep.may(SEND_MESSAGE, ...queues).may(['sqs:GetQueueAttributes'], ...queues, ...deadLetters);
    sweep.may(['dynamodb:Query'], `${table.tableArn}/index/due`);
    return sweep.may(['s3:DeleteObject'], messages.arnForObjects('submissions/*'));
  }

  private acceptMail(): BrokerFunction {
    const { messages, mailQueue } = this.props.stateful;
    const accept = this.make('relay-mail/accept', 'Takes mail from devices', API_TIMEOUT, {
      BROKER_BLOB_BUCKET: messages.bucketName,
      BROKER_RETENTION_DAYS: this.retentionDays,
      BROKER_MAIL_QUEUE_URL: mailQueue.queueUrl,
    });
    return (
      accept
        .may(['s3:PutObject', 's3:AbortMultipartUpload', 's3:DeleteObject'], messages.arnForObjects('submissions/*'))
        // A link that it signs permits what it may itself.
        .may(['s3:PutObject', 's3:GetObject', 's3:DeleteObject'], messages.arnForObjects('uploads/*'))
        // Without it S3 says 403 instead of 404 for what was not uploaded yet.
        .may(['s3:ListBucket'], messages.bucketArn)
        .may(SEND_MESSAGE, mailQueue.queueArn)
    );
  }

  private serveGateways(worker: BrokerFunction): BrokerFunction {
    const { accessTokenKeys, messages, mailQueue } = this.props.stateful;
    const gateway = this.make('relay-mail/gateway', 'Serves gateways on the networks of offices', API_TIMEOUT, {
      BROKER_ACCESS_KEYS_SECRET: accessTokenKeys.secretArn,
      BROKER_BLOB_BUCKET: messages.bucketName,
      BROKER_RETENTION_DAYS: this.retentionDays,
      BROKER_MAIL_QUEUE_URL: mailQueue.queueUrl,
      BROKER_MAIL_SERVERS: '{}',
      ...this.refresherVariables(worker),
    });
    return (
      this.mayReadSecrets(this.mayAskForRefresh(gateway, worker), accessTokenKeys)
        .may(['s3:PutObject', 's3:AbortMultipartUpload', 's3:DeleteObject'], messages.arnForObjects('submissions/*'))
        // The links are signed by the function that takes mail from devices.
        .may(['s3:GetObject', 's3:DeleteObject'], messages.arnForObjects('uploads/*'))
        // Without it S3 says 403 instead of 404 for what was not uploaded yet.
        .may(['s3:ListBucket'], messages.bucketArn)
        .may(SEND_MESSAGE, mailQueue.queueArn)
    );
  }

  private sendMail(worker: BrokerFunction): BrokerFunction {
    const { accessTokenKeys, messages } = this.props.stateful;
    const send = this.make('relay-mail/send', 'Sends mail of devices', SEND_TIMEOUT, {
      BROKER_ACCESS_KEYS_SECRET: accessTokenKeys.secretArn,
      BROKER_BLOB_BUCKET: messages.bucketName,
      BROKER_RETENTION_DAYS: this.retentionDays,
      BROKER_MAIL_SERVERS: '{}',
      ...this.refresherVariables(worker),
    });
    return (
      this.mayReadSecrets(this.mayAskForRefresh(send, worker), accessTokenKeys)
        .may(['s3:GetObject', 's3:DeleteObject'], messages.arnForObjects('submissions/*'))
        // Without it S3 says 403 instead of 404 for a message that is gone (API reference, GetObject).
        .may(['s3:ListBucket'], messages.bucketArn)
    );
  }

  /** Not a part of admin: that is open to the world, and may have no key to an access token. */
  private testMailbox(worker: BrokerFunction): BrokerFunction {
    const { accessTokenKeys } = this.props.stateful;
    const test = this.make('relay-mail/test', "Tests a mailbox's way to its mail server", API_TIMEOUT, {
      BROKER_ACCESS_KEYS_SECRET: accessTokenKeys.secretArn,
      BROKER_MAIL_SERVERS: '{}',
      ...this.refresherVariables(worker),
    });
    return this.mayReadSecrets(this.mayAskForRefresh(test, worker), accessTokenKeys);
  }

  private notify(): BrokerFunction {
    const { settings, stateful } = this.props;
    const { table, messages, mailQueue, webhookKeys } = stateful;
    const notify = this.make('notify', 'Tells people of what they must mend', SWEEP_TIMEOUT, {
      BROKER_WEBHOOK_KEYS_SECRET: webhookKeys.secretArn,
      BROKER_BLOB_BUCKET: messages.bucketName,
      BROKER_MAIL_QUEUE_URL: mailQueue.queueUrl,
      BROKER_NOTICE_MAILBOX: settings.noticeMailbox,
      BROKER_PRIVATE_WEBHOOKS: settings.privateWebhooks,
      BROKER_RETENTION_DAYS: this.retentionDays,
    });
    return this.mayReadSecrets(notify, webhookKeys)
      .may(['s3:PutObject'], messages.arnForObjects('submissions/*'))
      .may(SEND_MESSAGE, mailQueue.queueArn)
      .may(['dynamodb:Query'], `${table.tableArn}/index/due`);
  }

  private admin(worker: BrokerFunction, tester: BrokerFunction): BrokerFunction {
    const { adminKey, webhookKeys, messages, mailQueue } = this.props.stateful;
    const admin = this.make('admin', 'Console and admin API', API_TIMEOUT, {
      BROKER_ADMIN_KEY_SECRET: adminKey.secretArn,
      BROKER_WEBHOOK_KEYS_SECRET: webhookKeys.secretArn,
      BROKER_TEST_FUNCTION: tester.invokedAs,
      BROKER_BLOB_BUCKET: messages.bucketName,
      BROKER_MAIL_QUEUE_URL: mailQueue.queueUrl,
      BROKER_RETENTION_DAYS: this.retentionDays,
      ...this.refresherVariables(worker),
      ...this.vaultVariables('admin'),
    });
    this.mayReadSecrets(this.mayAskForRefresh(admin, worker), adminKey, webhookKeys);
    admin
      .may(['lambda:InvokeFunction'], tester.target.functionArn)
      // It removes messages, and has what waits tried now; it reads none.
      .may(['s3:DeleteObject'], messages.arnForObjects('submissions/*'))
      .may(SEND_MESSAGE, mailQueue.queueArn);
    return this.mayUseVault(admin, 'admin');
  }

  /** A function with its part of the table, and no right to anything else. */
  private make(name: FunctionName, description: string, timeout: Duration, variables: Environment): BrokerFunction {
    const { settings, stateful, bundles, publicUrl, egress } = this.props;
    const environment: Environment = {
      BROKER_NAME: settings.name,
      BROKER_PUBLIC_URL: publicUrl,
      BROKER_TABLE: stateful.table.tableName,
      ...variables,
    };
    const functionName = `${settings.name}-${hyphened(name)}`;
    const made = new BrokerFunction(this.scope, hyphened(name), {
      ...{ settings, name, functionName, description, timeout, bundles },
      environment: { ...environment },
      reservedConcurrency: name === 'refresh-grants/worker' ? this.refreshConcurrency : undefined,
      egress: CALLS_PROVIDERS.has(name) ? egress : undefined,
    });
    const access: TableAccess = TABLE_ACCESS[name];
    for (const [action, partitions] of Object.entries(access)) {
      made.mayInPartitions(`dynamodb:${action}`, stateful.table.tableArn, partitions);
    }
    return made;
  }

  /**
   * Refreshes come from the queue, whose part has a maximum of its own, and from devices that wait, by invoking: only what is
   * reserved bounds both together, and so what a provider is asked at once. It also keeps other functions from taking the room
   * that a waiting device needs. Nothing else has any reserved: it would be taken from what devices share, and mail, which
   * could take most, is bounded at its queue.
   */
  private get refreshConcurrency(): number | undefined {
    return this.props.settings.refreshConcurrency;
  }

  private refresherVariables(worker: BrokerFunction): Environment {
    return {
      BROKER_GRANT_QUEUE_URL: this.props.stateful.grantQueue.queueUrl,
      BROKER_REFRESH_FUNCTION: worker.invokedAs,
    };
  }

  /** Now, by invoking the worker, or soon, by way of its queue. Neither shows a refresh token. */
  private mayAskForRefresh(asker: BrokerFunction, worker: BrokerFunction): BrokerFunction {
    return asker
      .may(['lambda:InvokeFunction'], worker.target.functionArn)
      .may(SEND_MESSAGE, this.props.stateful.grantQueue.queueArn);
  }

  private get retentionDays(): string {
    return String(this.props.settings.retentionDays);
  }

  private vaultVariables(name: FunctionName): Environment {
    const { settings, stateful } = this.props;
    const makesSecrets = this.vaultRights(name).secretActions.includes('secretsmanager:CreateSecret');
    return {
      BROKER_VAULT: settings.vault,
      ...(usesSecrets(settings.vault) && { BROKER_VAULT_PREFIX: vaultPrefix(this.props.settings.name) }),
      ...(makesSecrets && { BROKER_VAULT_KMS_KEY: stateful.secretsKey.keyArn }),
      ...(usesEnvelopes(settings.vault) && { BROKER_VAULT_KEYS_SECRET: stateful.vaultKeys.secretArn }),
    };
  }

  private vaultRights(name: FunctionName): VaultRights {
    const rights = VAULT_ACCESS[name]?.[this.props.settings.vault];
    if (rights === undefined) throw new Error(`${name} may not use the vault`);
    return rights;
  }

  private mayUseVault(user: BrokerFunction, name: FunctionName): BrokerFunction {
    const { settings, stateful } = this.props;
    const { secretActions, tableActions } = this.vaultRights(name);
    if (secretActions.length > 0) {
      const pattern = Stack.of(this.scope).formatArn({
        service: 'secretsmanager',
        resource: 'secret',
        resourceName: `${vaultPrefix(settings.name)}*`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });
      letUseGrantSecrets(user, this.secretPlace, { pattern, actions: secretActions });
    }
    for (const action of tableActions) {
      user.mayInPartitions(`dynamodb:${action}`, stateful.table.tableArn, VAULT_PARTITIONS);
    }
    // Removing an envelope takes no key.
    return tableActions.includes('GetItem') ? this.mayReadSecrets(user, stateful.vaultKeys) : user;
  }

  /** These secrets alone, and their key for these alone. */
  private mayReadSecrets(reader: BrokerFunction, ...secrets: readonly Secret[]): BrokerFunction {
    letReadSecrets(reader, this.secretPlace, ...secrets.map(({ secretArn }) => secretArn));
    return reader;
  }

  private get secretPlace(): SecretPlace {
    return { region: Stack.of(this.scope).region, keyArn: this.props.stateful.secretsKey.keyArn };
  }
}

const usesSecrets = (vault: VaultChoice): boolean => vault !== 'envelope';

const usesEnvelopes = (vault: VaultChoice): boolean => vault !== 'secrets-manager';
