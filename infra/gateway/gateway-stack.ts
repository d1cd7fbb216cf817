import { fileURLToPath } from 'node:url';
import { type App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type IVpc, Peer, Port, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  AvailabilityZoneRebalancing,
  AwsLogDriverMode,
  Capability,
  Cluster,
  ContainerImage,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
  LinuxParameters,
  LogDrivers,
  OperatingSystemFamily,
  Secret as TaskSecret,
} from 'aws-cdk-lib/aws-ecs';
import { FileSystem, ThroughputMode } from 'aws-cdk-lib/aws-efs';
import { NetworkLoadBalancer, Protocol } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { WAYS_OUT } from '../network/ways-out.ts';
import { type AlarmOwner, raise } from '../observability/alarm.ts';
import { gatewayAlarm } from '../observability/alarms/gateway.ts';
import type { SmtpGatewaySettings } from '../settings/settings.ts';

export interface GatewayStackProps {
  readonly settings: SmtpGatewaySettings;
  readonly brokerUrl: string;
  readonly alarms: AlarmOwner;
  readonly logRetentionDays: number;
  /** Whether mail that nobody has sent yet stays when the stack is deleted. */
  readonly removalPolicy: 'retain' | 'destroy';
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** As in gateway/Dockerfile. */
const NONROOT = '65532';
const STATUS_PORT = 8025;
const DATA = '/data';

/** What the internet sees, and where the gateway listens for it: each with TLS, as passwords cross the internet. */
const LISTENERS = [
  { outside: 587, protocol: 'smtp', port: 2525, security: 'starttls' },
  { outside: 465, protocol: 'smtp', port: 2465, security: 'tls' },
  { outside: 995, protocol: 'pop3', port: 2995, security: 'tls' },
] as const;

/** It ends its sessions within 30 seconds when it is stopped. */
const STOP_TIMEOUT = Duration.seconds(60);

/** A device may be silent for 31 minutes (PROXY_LIMITS of the gateway); by itself a load balancer forgets it after 350 seconds. */
const IDLE = Duration.minutes(32);

/**
 * The gateway for devices that reach it over the internet: one container behind a network load balancer. A stack of its own,
 * as it brings a network with it, and can be removed without touching the broker.
 *
 * One task, never two: the spool is a folder of files that belongs to one process. So a new version starts when the old one
 * has stopped, and devices, which try again by themselves, find nobody for a minute. The folder lies on EFS, and so mail that
 * was accepted outlives the task and the data centre it ran in.
 *
 * TLS ends in the gateway, which has the profiles that old devices need. The load balancer keeps the devices' addresses in
 * place (client IP preservation) instead of telling them by the PROXY protocol, of which it speaks version 2 alone: smtp-server
 * knows version 1, the POP3 listener none; and a header can be made up, which the address of a TCP connection cannot.
 */
export class GatewayStack extends Stack {
  private readonly settings: SmtpGatewaySettings;
  private readonly alarms: AlarmOwner;
  private readonly kept: Pick<GatewayStackProps, 'logRetentionDays' | 'removalPolicy'>;
  private readonly network: IVpc;
  private readonly doorGroup: SecurityGroup;
  private readonly taskGroup: SecurityGroup;

  constructor(app: App, id: string, { settings, brokerUrl, alarms, ...kept }: GatewayStackProps) {
    super(app, id, { description: 'MFP Token Broker: SMTP and POP3 gateway' });
    this.settings = settings;
    this.alarms = alarms;
    this.kept = kept;
    this.network = this.publicNetwork();
    this.doorGroup = this.securityGroup('DoorGroup', 'The load balancer: devices from the listed networks');
    this.taskGroup = this.securityGroup('TaskGroup', 'The gateway: what the load balancer passes on');
    const task = this.task(brokerUrl);
    const spool = this.mountSpool(task);
    const service = this.service(task);
    service.node.addDependency(spool.mountTargetsAvailable);
    const door = this.door(service);
    new CfnOutput(this, 'Target', {
      value: door.loadBalancerDnsName,
      description: `Make a CNAME of it for ${settings.hostName}`,
    });
  }

  /** Public addresses, for the way out alone, cost a tenth of what a NAT gateway does; nothing comes in but by the door. */
  private publicNetwork(): IVpc {
    const network = new Vpc(this, 'Network', {
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'public', subnetType: SubnetType.PUBLIC }],
      // Nothing is in the default group; emptying it would take a Lambda function.
      restrictDefaultSecurityGroup: false,
    });
    // CDK's own types do not allow for exactOptionalPropertyTypes.
    return network as IVpc;
  }

  private securityGroup(id: string, description: string): SecurityGroup {
    return new SecurityGroup(this, id, { vpc: this.network, description, allowAllOutbound: false });
  }

  private task(brokerUrl: string): FargateTaskDefinition {
    const task = new FargateTaskDefinition(this, 'Task', {
      cpu: 512,
      memoryLimitMiB: 1024,
      runtimePlatform: {
        cpuArchitecture: CpuArchitecture.ARM64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
    });
    this.addContainer(task, brokerUrl);
    return task;
  }

  private addContainer(task: FargateTaskDefinition, brokerUrl: string): void {
    const linuxParameters = new LinuxParameters(this, 'Linux');
    linuxParameters.dropCapabilities(Capability.ALL);
    const token = Secret.fromSecretCompleteArn(this, 'EnrolmentToken', this.settings.enrolmentTokenSecret);
    task.addContainer('gateway', {
      image: ContainerImage.fromAsset(ROOT, { file: 'gateway/Dockerfile', platform: Platform.LINUX_ARM64 }),
      environment: {
        GATEWAY_BROKER_URL: brokerUrl,
        GATEWAY_CONFIG: JSON.stringify(this.configuration()),
        GATEWAY_DATA_DIR: DATA,
        GATEWAY_STATUS_PORT: String(STATUS_PORT),
      },
      secrets: { GATEWAY_ENROLMENT_TOKEN: TaskSecret.fromSecretsManager(token) },
      user: NONROOT,
      readonlyRootFilesystem: true,
      linuxParameters,
      portMappings: [...LISTENERS.map(({ port }) => port), STATUS_PORT].map((containerPort) => ({ containerPort })),
      stopTimeout: STOP_TIMEOUT,
      logging: LogDrivers.awsLogs({
        streamPrefix: 'gateway',
        // A gateway that waits for its log takes no mail.
        mode: AwsLogDriverMode.NON_BLOCKING,
        logGroup: new LogGroup(this, 'Log', {
          retention: this.kept.logRetentionDays,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      }),
    });
  }

  /** The gateway's own settings (docs/gateway-install.md). Devices of one office often share one address. */
  private configuration() {
    return {
      name: this.settings.hostName,
      listeners: LISTENERS.map(({ outside: _outside, ...listener }) => ({ ...listener, cleartext_sign_in: false })),
      limits: { connections_per_address: 100 },
    };
  }

  private mountSpool(task: FargateTaskDefinition): FileSystem {
    const spool = this.spool();
    const accessPoint = spool.addAccessPoint('Gateway', {
      path: '/gateway',
      createAcl: { ownerUid: NONROOT, ownerGid: NONROOT, permissions: '700' },
      posixUser: { uid: NONROOT, gid: NONROOT },
    });
    task.addVolume({
      name: 'data',
      efsVolumeConfiguration: {
        fileSystemId: spool.fileSystemId,
        transitEncryption: 'ENABLED',
        authorizationConfig: { accessPointId: accessPoint.accessPointId, iam: 'ENABLED' },
      },
    });
    task.defaultContainer?.addMountPoints({ sourceVolume: 'data', containerPath: DATA, readOnly: false });
    task.addToTaskRolePolicy(
      new PolicyStatement({
        actions: ['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite'],
        resources: [spool.fileSystemArn],
        conditions: { StringEquals: { 'elasticfilesystem:AccessPointArn': accessPoint.accessPointArn } },
      }),
    );
    return spool;
  }

  /** No backup of it: what was restored would be sent a second time. */
  private spool(): FileSystem {
    const securityGroup = this.securityGroup('SpoolGroup', 'The spool: the gateway alone');
    const spool = new FileSystem(this, 'Spool', {
      vpc: this.network,
      securityGroup,
      encrypted: true,
      enableAutomaticBackups: false,
      // By need: by size, an empty one would soon take a megabyte a second.
      throughputMode: ThroughputMode.ELASTIC,
      // Kept once it has held mail; not what a deployment made that failed.
      removalPolicy:
        this.kept.removalPolicy === 'retain' ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
      // With a policy, only who has a right of their own gets in (EFS User Guide, "Using IAM to control access"). Left out,
      // the next line would add a statement of CDK's that gives everybody the right to be root.
      allowAnonymousAccess: true,
      fileSystemPolicy: new PolicyDocument({
        statements: [
          new PolicyStatement({
            effect: Effect.DENY,
            principals: [new AnyPrincipal()],
            actions: ['*'],
            conditions: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
        ],
      }),
    });
    this.taskGroup.connections.allowTo(securityGroup, Port.tcp(2049), 'Spool');
    return spool;
  }

  private service(taskDefinition: FargateTaskDefinition): FargateService {
    for (const port of WAYS_OUT) this.taskGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(port));
    return new FargateService(this, 'Service', {
      cluster: new Cluster(this, 'Cluster', { vpc: this.network }) as ICluster,
      taskDefinition,
      desiredCount: 1,
      minHealthyPercent: 0,
      maxHealthyPercent: 100,
      // It would start the second task before it stops the first, so ECS takes it with more than 100 per cent alone.
      availabilityZoneRebalancing: AvailabilityZoneRebalancing.DISABLED,
      circuitBreaker: { rollback: true },
      assignPublicIp: true,
      securityGroups: [this.taskGroup],
      healthCheckGracePeriod: Duration.seconds(60),
    });
  }

  private door(service: FargateService): NetworkLoadBalancer {
    const door = new NetworkLoadBalancer(this, 'Door', {
      vpc: this.network,
      internetFacing: true,
      securityGroups: [this.doorGroup],
      // There is one task: the address in either zone leads to it.
      crossZoneEnabled: true,
    });
    for (const { outside, port } of LISTENERS) {
      const listener = door.addListener(`From${outside}`, { port: outside, tcpIdleTimeout: IDLE });
      const targets = listener.addTargets(`To${port}`, {
        port,
        protocol: Protocol.TCP,
        preserveClientIp: true,
        deregistrationDelay: Duration.seconds(30),
        targets: [service.loadBalancerTarget({ containerName: 'gateway', containerPort: port })],
        healthCheck: { protocol: Protocol.HTTP, port: String(STATUS_PORT), path: '/health' },
      });
      if (port === LISTENERS[0].port) raise(this, this.alarms, gatewayAlarm(targets));
      for (const network of this.settings.allowFrom) {
        this.doorGroup.addIngressRule(Peer.ipv4(network), Port.tcp(outside));
      }
      this.taskGroup.connections.allowFrom(this.doorGroup, Port.tcp(port));
    }
    // Nobody else reaches the status page.
    this.taskGroup.connections.allowFrom(this.doorGroup, Port.tcp(STATUS_PORT), 'Health');
    return door;
  }
}
