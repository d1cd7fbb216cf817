import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';

const CLOUDWATCH = new ServicePrincipal('cloudwatch.amazonaws.com');

/**
 * SNS's own key (`alias/aws/sns`) would cost nothing, but its policy cannot be changed and does not let CloudWatch use it:
 * alarms would fall silent. So the topic has a key, for a dollar a month. The key encrypts nothing else; who may publish is
 * decided by the topic.
 */
const topicKey = (scope: Construct, name: string): Key => {
  const key = new Key(scope, 'AlarmKey', {
    alias: `alias/${name}-alarms`,
    description: `Encrypts the alarms of ${name} on their way`,
    enableKeyRotation: true,
    // What it encrypts is read within seconds; a week is the least that KMS lets a key wait for its end.
    removalPolicy: RemovalPolicy.DESTROY,
    pendingWindow: Duration.days(7),
  });
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: 'CloudWatchPublishesAlarms',
      principals: [CLOUDWATCH],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      resources: ['*'],
    }),
  );
  return key;
};

/** Who is told of alarms. The address gets a mail first, and nothing more until its link has been followed. */
export const alarmTopic = (scope: Construct, name: string, address: string): Topic => {
  const topic = new Topic(scope, 'AlarmTopic', {
    topicName: `${name}-alarms`,
    displayName: `Alarms of ${name}`,
    masterKey: topicKey(scope, name),
    enforceSSL: true,
  });
  const { account } = Stack.of(scope);
  const alarms = Stack.of(scope).formatArn({
    service: 'cloudwatch',
    resource: 'alarm',
    resourceName: `${name}-*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  // A topic with a policy of its own has lost the default one, which let the account's alarms publish.
  topic.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AlarmsOfThisBroker',
      principals: [CLOUDWATCH],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': account }, ArnLike: { 'aws:SourceArn': alarms } },
    }),
  );
  topic.addSubscription(new EmailSubscription(address));
  return topic;
};
