import { type App, ArnFormat, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Schedule, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import type { CloudVariable, VaultChoice } from '../shared/config/cloud-environment.ts';
import { BrokerFunction } from './broker-function.ts';
import { addRoutes } from './routes.ts';
import type { Settings } from './settings.ts';
import type { StatefulStack } from './stateful-stack.ts';
import { type FunctionName, TABLE_ACCESS, type TableAccess, VAULT_PARTITIONS } from './table-access.ts';
import { API_TIMEOUT, REFRESH_TIMEOUT, SEND_TIMEOUT, SIGN_IN_TIMEOUT, SWEEP_TIMEOUT } from './timing.ts';
import { VAULT_ACCESS } from './vault-access.ts';

export interface StatelessStackProps {
  readonly settings: Settings;
  readonly stateful: StatefulStack;
  /** The folder with `<function>/index.mjs`. */
  readonly bundles: string;
}

type Environment = { readonly [Variable in CloudVariable]?: string };

/** Grants of one delivery. */
const BATCH_SIZE = 10;

/** With ten grants in each, 400 refreshes at once: at half a second each somewhat more than the sweep lets through. */
const REFRESHERS = 40;

const READ_SECRET = ['secretsmanager:GetSecretValue'];
const SEND_MESSAGE = ['sqs:SendMessage'];

/** Functions, their address and their schedule: can be deleted and made anew at any time. */
export class StatelessStack extends Stack {
  private readonly props: StatelessStackProps;
  readonly publicUrl: string;

  constructor(app: App, id: string, props: StatelessStackProps) {
    super(app, id, { description: 'MFP Token Broker: functions, HTTP API, schedule' });
    this.props = props;
    // The functions need to know the address, and the address leads to the functions. That is no circle: the API itself
    // is made first and names no function; its routes and integrations are resources of their own, made after both.
    const api = new HttpApi(this, 'Api', { apiName: props.settings.name });
    this.publicUrl = props.settings.publicUrl ?? api.apiEndpoint;

    const worker = this.refreshWorker();
    this.sweep();
    this.sendMail(worker);
    this.notify();
    const tester = this.testMailbox(worker);
    addRoutes(api, {
      'fetch-token': this.fetchToken(worker).lambda,
      'register-device': this.registerDevice().lambda,
      'sign-in': this.signIn().lambda,
      'relay-mail/accept': this.acceptMail().lambda,
      'relay-mail/gateway': this.serveGateways(worker).lambda,
      admin: this.admin(worker, tester).lambda,
    });
    this.outputs();
  }

  private fetchToken(worker: BrokerFunction): BrokerFunction {
    const { accessTokenKeys } = this.props.stateful;
    const fetchToken = this.broker('fetch-token', 'Devices fetch access tokens', API_TIMEOUT, {
      BROKER_ACCESS_KEYS_SECRET: accessTokenKeys.secretArn,
      BROKER_MAIL_SERVERS: '{}',
      ...this.refresherVariables(worker),
    });
    return this.mayAskForRefresh(fetchToken, worker).may(READ_SECRET, accessTokenKeys.secretArn);
  }

  private registerDevice(): BrokerFunction {
    return this.broker('register-device', 'Devices register themselves', API_TIMEOUT, {});
  }

  private signIn(): BrokerFunction {
    const { accessTokenKeys, providerConfig, mailQueue } = this.props.stateful;
    const signIn = this.broker('sign-in', 'Mailboxes are signed in at their provider', SIGN_IN_TIMEOUT, {
      BROKER_ACCESS_KEYS_SECRET: accessTokenKeys.secretArn,
      BROKER_CONFIG_SECRET: providerConfig.secretArn,
      BROKER_MAIL_QUEUE_URL: mailQueue.queueUrl,
      ...this.vaultVariables(),
    });
    signIn.may(READ_SECRET, accessTokenKeys.secretArn, providerConfig.secretArn).may(SEND_MESSAGE, mailQueue.queueArn);
    return this.mayUseVault(signIn, 'sign-in');
  }

  private refreshWorker(): BrokerFunction {
    const { accessTokenKeys, providerConfig, grantQueue } = this.props.stateful;
    const worker = this.broker('refresh-grants/worker', 'Refreshes grants at their provider', REFRESH_TIMEOUT, {
      BROKER_ACCESS_KEYS_SECRET: accessTokenKeys.secretArn,
      BROKER_CONFIG_SECRET: providerConfig.secretArn,
      ...this.vaultVariables(),
    });
    worker.may(READ_SECRET, accessTokenKeys.secretArn, providerConfig.secretArn);
    const batches = { batchSize: BATCH_SIZE, reportBatchItemFailures: true, maxConcurrency: REFRESHERS };
    worker.lambda.addEventSource(new SqsEventSource(grantQueue, batches));
    return this.mayUseVault(worker, 'refresh-grants/worker');
  }

  private sweep(): void {
    const { table, messages, grantQueue, mailQueue, grantDeadLetters, mailDeadLetters } = this.props.stateful;
    const sweep = this.broker('refresh-grants/sweep', 'Queues what is due', SWEEP_TIMEOUT, {
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
    sweep.may(['s3:DeleteObject'], messages.arnForObjects('submissions/*'));
    new Schedule(this, 'EveryMinute', {
      description: 'Queues the grants and the mailboxes that are due',
      schedule: ScheduleExpression.rate(Duration.minutes(1)),
      // One that fails is not repeated: the next comes within a minute and finds the same work.
      target: new LambdaInvoke(sweep.lambda, { retryAttempts: 0, maxEventAge: Duration.minutes(1) }),
    });
  }

  private acceptMail(): BrokerFunction {
    const { messages, mailQueue } = this.props.stateful;
    const accept = this.broker('relay-mail/accept', 'Takes mail from devices', API_TIMEOUT, {
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
    const gateway = this.broker('relay-mail/gateway', 'Serves gateways on the networks of offices', API_TIMEOUT, {
      BROKER_ACCESS_KEYS_SECRET: accessTokenKeys.secretArn,
      BROKER_BLOB_BUCKET: messages.bucketName,
      BROKER_RETENTION_DAYS: this.retentionDays,
      BROKER_MAIL_QUEUE_URL: mailQueue.queueUrl,
      BROKER_MAIL_SERVERS: '{}',
      ...this.refresherVariables(worker),
    });
    return (
      this.mayAskForRefresh(gateway, worker)
        .may(READ_SECRET, accessTokenKeys.secretArn)
        .may(['s3:PutObject', 's3:AbortMultipartUpload', 's3:DeleteObject'], messages.arnForObjects('submissions/*'))
        // The links are signed by the function that takes mail from devices.
        .may(['s3:GetObject', 's3:DeleteObject'], messages.arnForObjects('uploads/*'))
        // Without it S3 says 403 instead of 404 for what was not uploaded yet.
        .may(['s3:ListBucket'], messages.bucketArn)
        .may(SEND_MESSAGE, mailQueue.queueArn)
    );
  }

  private sendMail(worker: BrokerFunction): void {
    const { accessTokenKeys, messages, mailQueue } = this.props.stateful;
    const send = this.broker('relay-mail/send', 'Sends mail of devices', SEND_TIMEOUT, {
      BROKER_ACCESS_KEYS_SECRET: accessTokenKeys.secretArn,
      BROKER_BLOB_BUCKET: messages.bucketName,
      BROKER_RETENTION_DAYS: this.retentionDays,
      BROKER_MAIL_SERVERS: '{}',
      ...this.refresherVariables(worker),
    });
    this.mayAskForRefresh(send, worker)
      .may(READ_SECRET, accessTokenKeys.secretArn)
      .may(['s3:GetObject', 's3:DeleteObject'], messages.arnForObjects('submissions/*'))
      // Without it S3 says 403 instead of 404 for a message that is gone (API reference, GetObject).
      .may(['s3:ListBucket'], messages.bucketArn);
    // One mailbox at a time: a second one would run into the function's own limit.
    send.lambda.addEventSource(new SqsEventSource(mailQueue, { batchSize: 1, reportBatchItemFailures: true }));
  }

  /** Not a part of admin: that is open to the world, and may have no key to an access token. */
  private testMailbox(worker: BrokerFunction): BrokerFunction {
    const { accessTokenKeys } = this.props.stateful;
    const test = this.broker('relay-mail/test', "Tests a mailbox's way to its mail server", API_TIMEOUT, {
      BROKER_ACCESS_KEYS_SECRET: accessTokenKeys.secretArn,
      BROKER_MAIL_SERVERS: '{}',
      ...this.refresherVariables(worker),
    });
    return this.mayAskForRefresh(test, worker).may(READ_SECRET, accessTokenKeys.secretArn);
  }

  private notify(): void {
    const { settings, stateful } = this.props;
    const { table, messages, mailQueue, webhookKeys } = stateful;
    const notify = this.broker('notify', 'Tells people of what they must mend', SWEEP_TIMEOUT, {
      BROKER_WEBHOOK_KEYS_SECRET: webhookKeys.secretArn,
      BROKER_BLOB_BUCKET: messages.bucketName,
      BROKER_MAIL_QUEUE_URL: mailQueue.queueUrl,
      BROKER_NOTICE_MAILBOX: settings.noticeMailbox,
      BROKER_PRIVATE_WEBHOOKS: settings.privateWebhooks,
      BROKER_RETENTION_DAYS: this.retentionDays,
    });
    notify
      .may(READ_SECRET, webhookKeys.secretArn)
      .may(['s3:PutObject'], messages.arnForObjects('submissions/*'))
      .may(SEND_MESSAGE, mailQueue.queueArn)
      .may(['dynamodb:Query'], `${table.tableArn}/index/due`);
    new Schedule(this, 'NotifyEveryMinute', {
      description: 'Tells people of what they must mend',
      schedule: ScheduleExpression.rate(Duration.minutes(1)),
      // One that fails is not repeated: the next comes within a minute and finds the same work.
      target: new LambdaInvoke(notify.lambda, { retryAttempts: 0, maxEventAge: Duration.minutes(1) }),
    });
  }

  private admin(worker: BrokerFunction, tester: BrokerFunction): BrokerFunction {
    const { adminKey, webhookKeys, messages, mailQueue } = this.props.stateful;
    const admin = this.broker('admin', 'Console and admin API', API_TIMEOUT, {
      BROKER_ADMIN_KEY_SECRET: adminKey.secretArn,
      BROKER_WEBHOOK_KEYS_SECRET: webhookKeys.secretArn,
      BROKER_TEST_FUNCTION: tester.lambda.functionName,
      BROKER_BLOB_BUCKET: messages.bucketName,
      BROKER_MAIL_QUEUE_URL: mailQueue.queueUrl,
      BROKER_RETENTION_DAYS: this.retentionDays,
      ...this.refresherVariables(worker),
      ...this.vaultVariables(),
    });
    this.mayAskForRefresh(admin, worker).may(READ_SECRET, adminKey.secretArn, webhookKeys.secretArn);
    admin
      .may(['lambda:InvokeFunction'], tester.lambda.functionArn)
      // It removes messages, and has what waits tried now; it reads none.
      .may(['s3:DeleteObject'], messages.arnForObjects('submissions/*'))
      .may(SEND_MESSAGE, mailQueue.queueArn);
    return this.mayUseVault(admin, 'admin');
  }

  /** A function with its part of the table, and no right to anything else. */
  private broker(name: FunctionName, description: string, timeout: Duration, variables: Environment): BrokerFunction {
    const { settings, stateful, bundles } = this.props;
    const environment: Environment = {
      BROKER_PUBLIC_URL: this.publicUrl,
      BROKER_TABLE: stateful.table.tableName,
      ...variables,
    };
    const functionName = `${settings.name}-${name.replace('/', '-')}`;
    const made = new BrokerFunction(this, name.replace('/', '-'), {
      ...{ name, functionName, description, timeout, bundles },
      environment: { ...environment },
    });
    const access: TableAccess = TABLE_ACCESS[name];
    for (const [action, partitions] of Object.entries(access)) {
      made.mayInPartitions(`dynamodb:${action}`, stateful.table.tableArn, partitions);
    }
    return made;
  }

  private refresherVariables(worker: BrokerFunction): Environment {
    return {
      BROKER_GRANT_QUEUE_URL: this.props.stateful.grantQueue.queueUrl,
      BROKER_REFRESH_FUNCTION: worker.lambda.functionName,
    };
  }

  /** Now, by invoking the worker, or soon, by way of its queue. Neither shows a refresh token. */
  private mayAskForRefresh(asker: BrokerFunction, worker: BrokerFunction): BrokerFunction {
    return asker
      .may(['lambda:InvokeFunction'], worker.lambda.functionArn)
      .may(SEND_MESSAGE, this.props.stateful.grantQueue.queueArn);
  }

  private get retentionDays(): string {
    return String(this.props.settings.retentionDays);
  }

  private get vaultPrefix(): string {
    return `${this.props.settings.name}/grant/`;
  }

  private vaultVariables(): Environment {
    const { settings, stateful } = this.props;
    return {
      BROKER_VAULT: settings.vault,
      ...(usesSecrets(settings.vault) && { BROKER_VAULT_PREFIX: this.vaultPrefix }),
      ...(usesEnvelopes(settings.vault) && { BROKER_VAULT_KEYS_SECRET: stateful.vaultKeys.secretArn }),
    };
  }

  private mayUseVault(user: BrokerFunction, name: FunctionName): BrokerFunction {
    const { settings, stateful } = this.props;
    const rights = VAULT_ACCESS[name]?.[settings.vault];
    if (rights === undefined) throw new Error(`${name} may not use the vault`);
    const { secretActions, tableActions } = rights;
    if (secretActions.length > 0) {
      user.may(
        secretActions,
        this.formatArn({
          service: 'secretsmanager',
          resource: 'secret',
          resourceName: `${this.vaultPrefix}*`,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      );
    }
    for (const action of tableActions) {
      user.mayInPartitions(`dynamodb:${action}`, stateful.table.tableArn, VAULT_PARTITIONS);
    }
    // Removing an envelope takes no key.
    return tableActions.includes('GetItem') ? user.may(READ_SECRET, stateful.vaultKeys.secretArn) : user;
  }

  private outputs(): void {
    const output = (id: string, value: string, description: string) => new CfnOutput(this, id, { value, description });
    output('PublicUrl', this.publicUrl, 'The console, and the address that devices are given');
    for (const provider of ['microsoft', 'google']) {
      const value = `${this.publicUrl}/oauth/callback/${provider}`;
      output(`RedirectUri${provider}`, value, `Enter as redirect URI in the app registration at ${provider}`);
    }
    const [from, to] = this.props.settings.vault.split('-to-');
    if (to === undefined) return;
    const { table, vaultKeys } = this.props.stateful;
    const variables = `BROKER_TABLE=${table.tableName} BROKER_VAULT_PREFIX=${this.vaultPrefix} BROKER_VAULT_KEYS_SECRET=${vaultKeys.secretArn}`;
    const command = `${variables} npm run vault:migrate -- --from ${from} --to ${to}`;
    output(
      'VaultMigration',
      command,
      'Run it on your machine, until it says that everything has moved (docs/vaults.md)',
    );
  }
}

const usesSecrets = (vault: VaultChoice): boolean => vault !== 'envelope';

const usesEnvelopes = (vault: VaultChoice): boolean => vault !== 'secrets-manager';
