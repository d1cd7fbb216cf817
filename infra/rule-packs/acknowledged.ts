export interface Acknowledgement {
  /** Its id, with the part in brackets where the rule names one. */
  readonly rule: string | RegExp;
  /** The type of the resource. */
  readonly of: string;
  /** Which resources of that type, by construct path; without it all. */
  readonly at?: RegExp;
  /** One sentence. */
  readonly because: string;
}

/** Where the broker does otherwise than a rule says, and why. A test finds entries that nothing needs any more. */
export const ACKNOWLEDGED: readonly Acknowledgement[] = [
  // What is kept
  {
    rule: 'AwsSolutions-SMG4',
    of: 'AWS::SecretsManager::Secret',
    because:
      'A new value at a set time would lock out whoever holds the old one: key rings are rotated by npm run keys, which keeps former keys, the admin key and the app registrations by their owners.',
  },
  {
    rule: 'AwsSolutions-S1',
    of: 'AWS::S3::Bucket',
    because:
      'Only the functions reach the bucket, each access of theirs is logged with the message it is about, and a second bucket would hold little else but object names.',
  },
  {
    rule: 'Serverless-SQSRedrivePolicy',
    of: 'AWS::SQS::Queue',
    at: /DeadLetters/,
    because: 'It is itself where the other queues put what failed, and an alarm watches it.',
  },

  // Functions
  {
    rule: 'Serverless-LambdaDLQ',
    of: 'AWS::Lambda::Function',
    because:
      'No event of a function can be lost: callers hear the error, queues have dead letters of their own, and what a schedule missed is found a minute later.',
  },
  {
    rule: 'Serverless-LambdaEventSourceMappingDestination',
    of: 'AWS::Lambda::EventSourceMapping',
    because:
      'SQS takes no such destination: the queue itself sets failures aside (Lambda API reference, DestinationConfig).',
  },
  {
    rule: 'Serverless-LambdaTracing',
    of: 'AWS::Lambda::Function',
    because: 'Traces cost by the call and are switched on where they are wanted (setting tracing).',
  },

  // Rights
  {
    rule: /^AwsSolutions-IAM5\[Resource::.*Messages.*\/(submissions|uploads)\/\*\]$/,
    of: 'AWS::IAM::Policy',
    because: 'Every message is an object of its own, and objects can be named only by the folder they lie in.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::.*:secret:[a-z0-9-]+\/grant\/\*\]$/,
    of: 'AWS::IAM::Policy',
    because:
      'Every grant has a secret of its own, which is made after the deployment, with six random characters at its end.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::<\w+\.Arn>:\*\]$/,
    of: 'AWS::IAM::Policy',
    at: /SchedulerRoleForTarget/,
    because: 'The schedule may start one function, of which AWS names the versions by a wildcard.',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::*]',
    of: 'AWS::IAM::Policy',
    at: /smtp-gateway\/Task\/ExecutionRole/,
    because: 'Logging in to the registry of images (ecr:GetAuthorizationToken) is a right that takes no resource.',
  },

  // Front doors
  {
    rule: 'AwsSolutions-APIG4',
    of: 'AWS::ApiGatewayV2::Route',
    because:
      'Devices show their own credential, administrators a key, and browsers a session, all of which the functions check themselves: it takes the table, and gives OAuth errors that API Gateway cannot.',
  },

  {
    rule: 'AwsSolutions-APIG4',
    of: 'AWS::ApiGateway::Method',
    because: 'As at the other front door: the functions check devices themselves, as OAuth wants it answered.',
  },
  {
    rule: 'AwsSolutions-COG4',
    of: 'AWS::ApiGateway::Method',
    because: 'Devices are no users of Cognito; they show a credential that the broker gave them.',
  },
  {
    rule: 'AwsSolutions-APIG2',
    of: 'AWS::ApiGateway::RestApi',
    because:
      'The functions check each request themselves, and answer a wrong one in the shape that its protocol asks for.',
  },
  {
    rule: 'AwsSolutions-APIG3',
    of: 'AWS::ApiGateway::Stage',
    because:
      'The paths are devices’ alone, wrong secrets are slowed down by device and address, and a firewall would cost more than all else of it.',
  },
  {
    rule: 'AwsSolutions-APIG6',
    of: 'AWS::ApiGateway::Stage',
    because:
      'Execution logs would hold headers and bodies, with device secrets and tokens in them; the access log holds neither.',
  },
  {
    rule: /^AwsSolutions-IAM4\[.*AmazonAPIGatewayPushToCloudWatchLogs\]$/,
    of: 'AWS::IAM::Role',
    at: /LegacyApi\/CloudWatchRole/,
    because:
      'API Gateway writes the logs of REST APIs by one role for the account and region, with the policy that AWS made for it.',
  },

  // Options
  {
    rule: 'AwsSolutions-IAM5[Resource::*]',
    of: 'AWS::IAM::Policy',
    at: /\/Tracing\/Resource$/,
    because: 'The two rights to hand in traces take no resource.',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::*]',
    of: 'AWS::IAM::Policy',
    at: /\/Network\/Resource$/,
    because:
      'Network interfaces have no name before they are made, and the function’s own code is denied what Lambda may do here.',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::*]',
    of: 'AWS::IAM::Role',
    at: /\/Rollout\/Deployer\/Resource$/,
    because:
      'CodeDeploy asks for the state of its alarms by a right that takes no resource (cloudwatch:DescribeAlarms).',
  },
  {
    rule: 'Serverless-SNSRedrivePolicy',
    of: 'AWS::SNS::Subscription',
    because:
      'Alarms are mailed to people, stand in the console all the same, and are not worth a queue that nobody reads.',
  },

  // The gateway on Fargate
  {
    rule: 'AwsSolutions-ECS2',
    of: 'AWS::ECS::TaskDefinition',
    because: 'The variables are addresses and settings of the gateway; its one secret comes from Secrets Manager.',
  },
  {
    rule: 'AwsSolutions-ECS4',
    of: 'AWS::ECS::Cluster',
    because: 'One task needs no insight into a cluster, and tells of itself by its health, its log and its metrics.',
  },
  {
    rule: 'AwsSolutions-ELB2',
    of: 'AWS::ElasticLoadBalancingV2::LoadBalancer',
    because:
      'A network load balancer logs TLS connections that it ends itself, and here the gateway ends them and logs each.',
  },
  {
    rule: 'AwsSolutions-VPC7',
    of: 'AWS::EC2::VPC',
    because:
      'Nothing in the network listens but one gateway, which logs whoever calls it; flow logs of all else would cost more than they tell.',
  },
];
