import { type App, CfnOutput, Duration, RemovalPolicy, SecretValue, Stack } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { CfnSecret, Secret, type SecretProps } from 'aws-cdk-lib/aws-secretsmanager';
import { DeduplicationScope, FifoThroughputLimit, Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { Settings } from './settings.ts';
import { GRANT_VISIBILITY, MAIL_VISIBILITY, messagesKept } from './timing.ts';

/** Tries before a message goes to the dead letters; AWS advises at least 5, so that throttling alone sends none there. */
const MAX_RECEIVE_COUNT = 5;

/** SQS's longest: time to look at what failed. */
const DEAD_LETTERS_KEPT = Duration.days(14);

/** One group for each mailbox. High throughput: 300 requests a second for each group instead of for the queue. */
const MAIL_QUEUE: QueueProps = {
  fifo: true,
  deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
  fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
  retentionPeriod: DEAD_LETTERS_KEPT,
};

/** What must survive: data, messages, secrets. Deleting the stack leaves all of it but the queues. */
export class StatefulStack extends Stack {
  readonly table = this.brokerTable();
  readonly messages: Bucket;
  readonly grantDeadLetters = this.queue('GrantDeadLetters', { retentionPeriod: DEAD_LETTERS_KEPT });
  readonly mailDeadLetters = this.queue('MailDeadLetters', MAIL_QUEUE);
  readonly grantQueue = this.queue('GrantQueue', {
    visibilityTimeout: GRANT_VISIBILITY,
    // What is still due is queued again by the sweep; an old wish is worth nothing.
    retentionPeriod: Duration.days(1),
    deadLetterQueue: { queue: this.grantDeadLetters, maxReceiveCount: MAX_RECEIVE_COUNT },
  });
  readonly mailQueue = this.queue('MailQueue', {
    ...MAIL_QUEUE,
    visibilityTimeout: MAIL_VISIBILITY,
    deadLetterQueue: { queue: this.mailDeadLetters, maxReceiveCount: MAX_RECEIVE_COUNT },
  });
  /** Key rings are made by `infra/setup.ts`: CloudFormation can make a password, but no JSON with a key inside. */
  readonly accessTokenKeys: Secret;
  readonly vaultKeys: Secret;
  readonly webhookKeys: Secret;
  readonly providerConfig: Secret;
  readonly adminKey: Secret;

  constructor(app: App, id: string, { name, retentionDays }: Settings) {
    super(app, id, {
      description: 'MFP Token Broker: table, messages, queues, secrets',
      terminationProtection: true,
    });
    this.messages = this.messageBucket(messagesKept(retentionDays));
    this.accessTokenKeys = this.keyRing('AccessTokenKeys', {
      secretName: `${name}/access-token-keys`,
      description: 'Keys that seal access tokens and sign-in attempts. Filled by infra/setup.ts.',
    });
    this.vaultKeys = this.keyRing('VaultKeys', {
      secretName: `${name}/vault-keys`,
      description: 'Keys of the envelope vault. Filled by infra/setup.ts. Whoever loses them loses every sign-in.',
    });
    this.webhookKeys = this.keyRing('WebhookKeys', {
      secretName: `${name}/webhook-keys`,
      description: 'Keys that seal the secrets of webhooks. Filled by infra/setup.ts.',
    });
    this.providerConfig = this.secret('ProviderConfig', {
      secretName: `${name}/provider-config`,
      description: 'App registrations at the providers (docs/configuration.md). Put the document in by hand.',
      // A valid document without any provider: everything runs, and a sign-in is told what is missing.
      secretStringValue: SecretValue.unsafePlainText('{}'),
    });
    this.adminKey = this.secret('AdminKey', {
      secretName: `${name}/admin-key`,
      description: 'Key to the console and the admin API.',
      generateSecretString: { passwordLength: 40, excludePunctuation: true },
    });
    const rings = [this.accessTokenKeys, this.vaultKeys, this.webhookKeys].map(({ secretArn }) => secretArn);
    this.output('KeySetup', `node infra/setup.ts ${rings.join(' ')}`, 'Run once: makes the keys');
    this.output('ProviderConfigSecret', this.providerConfig.secretArn, 'Put the app registrations here');
    this.output('AdminKeySecret', this.adminKey.secretArn, 'Holds the key to the console');
  }

  /** As `shared/adapters/dynamodb` needs it; a test compares the two. */
  private brokerTable(): Table {
    const table = new Table(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: 'expiresAt',
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    table.addGlobalSecondaryIndex({
      indexName: 'due',
      partitionKey: { name: 'dueShard', type: AttributeType.STRING },
      sortKey: { name: 'dueAt', type: AttributeType.NUMBER },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    return table;
  }

  private messageBucket(kept: Duration): Bucket {
    return new Bucket(this, 'Messages', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      lifecycleRules: [
        { expiration: kept, abortIncompleteMultipartUploadAfter: Duration.days(1) },
        // Uploads that nobody handed in (shared/domain/upload.ts).
        { prefix: 'uploads/', expiration: Duration.days(1) },
      ],
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  private queue(id: string, props: QueueProps): Queue {
    return new Queue(this, id, { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, ...props });
  }

  private secret(id: string, props: SecretProps): Secret {
    return new Secret(this, id, { ...props, removalPolicy: RemovalPolicy.RETAIN });
  }

  /** Empty. A generated password would look like a key ring to an administrator, and open nothing. */
  private keyRing(id: string, props: SecretProps): Secret {
    const secret = this.secret(id, props);
    const resource = secret.node.defaultChild;
    if (!(resource instanceof CfnSecret)) throw new TypeError(`${id} is no secret`);
    resource.generateSecretString = undefined;
    return secret;
  }

  private output(id: string, value: string, description: string): void {
    new CfnOutput(this, id, { value, description });
  }
}
