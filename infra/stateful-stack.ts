import { type App, CfnOutput, CfnResource, Duration, ReferenceStrength, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { CfnSecret, Secret, type SecretProps } from 'aws-cdk-lib/aws-secretsmanager';
import { DeduplicationScope, FifoThroughputLimit, Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { GRANT_VISIBILITY, MAIL_VISIBILITY, messagesKept } from './functions/timing.ts';
import { vaultPrefix } from './rights/vault-access.ts';
import { secretsKey } from './secrets-key.ts';
import type { Settings } from './settings/settings.ts';

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

/**
 * What must survive: data, messages, secrets and their key. Deleting the stack leaves all of it but the queues, in which is
 * nothing that the table does not know; unless the setting `removalPolicy` says that it is a trial.
 */
export class StatefulStack extends Stack {
  /** Kept is what was in use; what a first deployment left that failed would be in the way of the next one. */
  private readonly removalPolicy: RemovalPolicy;
  readonly table: Table;
  readonly messages: Bucket;
  /** Under all secrets, those of grants included. */
  readonly secretsKey: IKey;
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
  /** Key rings are made by `npm run cloud:setup`: CloudFormation can make a password, but no JSON with a key inside. */
  readonly accessTokenKeys: Secret;
  readonly vaultKeys: Secret;
  readonly webhookKeys: Secret;
  readonly providerConfig: Secret;
  readonly adminKey: Secret;

  constructor(app: App, id: string, settings: Settings) {
    const { name, retentionDays, removalPolicy } = settings;
    super(app, id, {
      description: 'MFP Token Broker: table, messages, queues, secrets',
      terminationProtection: removalPolicy === 'retain',
    });
    this.removalPolicy = removalPolicy === 'retain' ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
    this.table = this.brokerTable();
    this.secretsKey = secretsKey(this, name, this.removalPolicy);
    this.messages = this.messageBucket(messagesKept(retentionDays));
    this.accessTokenKeys = this.emptySecret('AccessTokenKeys', {
      secretName: `${name}/access-token-keys`,
      description: 'Keys that seal access tokens and sign-in attempts. Filled by npm run cloud:setup.',
    });
    this.vaultKeys = this.emptySecret('VaultKeys', {
      secretName: `${name}/vault-keys`,
      description: 'Keys of the envelope vault. Filled by npm run cloud:setup. Whoever loses them loses every sign-in.',
    });
    this.webhookKeys = this.emptySecret('WebhookKeys', {
      secretName: `${name}/webhook-keys`,
      description: 'Keys that seal the secrets of webhooks. Filled by npm run cloud:setup.',
    });
    this.providerConfig = this.emptySecret('ProviderConfig', {
      secretName: `${name}/provider-config`,
      description: 'App registrations at the providers (docs/configuration.md). Stored by npm run cloud:setup.',
    });
    this.adminKey = this.secret('AdminKey', {
      secretName: `${name}/admin-key`,
      description: 'Key to the console and the admin API.',
      generateSecretString: { passwordLength: 40, excludePunctuation: true },
    });
    this.outputs(settings);
    this.exportEverything();
  }

  /** As `shared/adapters/dynamodb` needs it; a test compares the two. */
  private brokerTable(): Table {
    const isKept = this.removalPolicy !== RemovalPolicy.DESTROY;
    const table = new Table(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: 'expiresAt',
      deletionProtection: isKept,
      // Also where the deployment fails that makes it: its protection would have the clearing away fail too.
      removalPolicy: isKept ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
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
    const bucket = new Bucket(this, 'Messages', {
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
      // CloudFormation deletes only an empty one; emptying it would take a function that may delete every message.
      removalPolicy: this.removalPolicy,
    });
    // It goes and stays with the bucket: what is kept is still reached over TLS alone.
    bucket.policy?.applyRemovalPolicy(this.removalPolicy);
    return bucket;
  }

  private queue(id: string, props: QueueProps): Queue {
    return new Queue(this, id, { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, ...props });
  }

  private secret(id: string, props: SecretProps): Secret {
    const secret = new Secret(this, id, { ...props, removalPolicy: this.removalPolicy });
    // Given as `encryptionKey`, CDK would open the key to the whole account by way of any secret, in the key's own policy.
    resourceOf(secret).kmsKeyId = this.secretsKey.keyArn;
    return secret;
  }

  /**
   * A generated password would look like a key ring to an administrator, and open nothing. What the template does not say, an
   * upgrade cannot write over what was stored.
   */
  private emptySecret(id: string, props: SecretProps): Secret {
    const secret = this.secret(id, props);
    resourceOf(secret).generateSecretString = undefined;
    return secret;
  }

  /**
   * Whatever another stack may ask for, whether one does or not: no setting takes an export away that the stack as it stands
   * still imports, which CloudFormation would refuse. Weak references ask for no exports, but each is looked up by
   * itself, and by the two hundred that it takes CloudFormation is throttled (aws/aws-cdk#38010).
   */
  private exportEverything(): void {
    const { table, messages, secretsKey: key } = this;
    const queues = [this.grantQueue, this.mailQueue, this.grantDeadLetters, this.mailDeadLetters];
    const secrets = [this.accessTokenKeys, this.vaultKeys, this.webhookKeys, this.providerConfig, this.adminKey];
    const values = [
      ...[table.tableName, table.tableArn, messages.bucketName, messages.bucketArn, key.keyArn],
      ...queues.flatMap(({ queueUrl, queueArn, queueName }) => [queueUrl, queueArn, queueName]),
      ...secrets.map(({ secretArn }) => secretArn),
    ];
    for (const value of values) this.exportValue(value);
    for (const resource of this.node.findAll().filter(CfnResource.isCfnResource)) {
      resource.applyCrossStackReferenceStrength(ReferenceStrength.STRONG);
    }
  }

  private outputs({ name, vault }: Settings): void {
    const output = (id: string, value: string, description: string) => new CfnOutput(this, id, { value, description });
    const { accessTokenKeys, vaultKeys, webhookKeys, providerConfig, adminKey } = this;
    const rings = [accessTokenKeys, vaultKeys, webhookKeys].map(({ secretArn }) => secretArn);
    output('Setup', `npm run cloud:setup -- --name ${name} --region ${this.region}`, 'Run it next (docs/aws.md)');
    output('KeyRingSecrets', rings.join(' '), 'Hold the keys that seal tokens and the secrets of webhooks');
    output('ProviderConfigSecret', providerConfig.secretArn, 'Put the app registrations here');
    output('AdminKeySecret', adminKey.secretArn, 'Holds the key to the console');
    const place = `AWS_REGION=${this.region} BROKER_TABLE=${this.table.tableName}`;
    const ofVault = `BROKER_VAULT_KEYS_SECRET=${vaultKeys.secretArn}`;
    const ofOthers = [
      `BROKER_ACCESS_KEYS_SECRET=${accessTokenKeys.secretArn}`,
      `BROKER_WEBHOOK_KEYS_SECRET=${webhookKeys.secretArn}`,
    ];
    const keys = `${place} ${ofVault} ${ofOthers.join(' ')} npm run keys -- status`;
    output('KeyRings', keys, 'Shows the keys that seal, on your machine (docs/vaults.md)');
    const [from, to] = vault.split('-to-');
    if (to === undefined) return;
    const vaults = `BROKER_VAULT_PREFIX=${vaultPrefix(name)} BROKER_VAULT_KMS_KEY=${this.secretsKey.keyArn} ${ofVault}`;
    const migrate = `${place} ${vaults} npm run vault:migrate -- --from ${from} --to ${to}`;
    output(
      'VaultMigration',
      migrate,
      'Run it on your machine, until it says that everything has moved (docs/vaults.md)',
    );
  }
}

const resourceOf = (secret: Secret): CfnSecret => {
  const { defaultChild } = secret.node;
  if (!(defaultChild instanceof CfnSecret)) throw new TypeError(`${secret.node.path} is no secret`);
  return defaultChild;
};
