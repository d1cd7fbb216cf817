import { type App, CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  CfnEIP,
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  IpAddresses,
  type ISecurityGroup,
  type IVpc,
  NatProvider,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Settings } from '../settings/settings.ts';
import { WAYS_OUT } from './ways-out.ts';

/** From where functions reach the internet. */
export interface Egress {
  readonly network: IVpc;
  readonly securityGroup: ISecurityGroup;
}

/** One zone may fail. */
const ZONES = 2;

/**
 * Fixed addresses for all that is said to providers, so that a tenant's Conditional Access can name them. A stack of its own:
 * the addresses stand in other people's tenants, and must outlive that the functions are deleted and made anew.
 */
export class EgressStack extends Stack implements Egress {
  readonly network: IVpc;
  readonly securityGroup: ISecurityGroup;

  constructor(app: App, id: string, { name, logRetentionDays, removalPolicy }: Settings) {
    super(app, id, {
      description: 'MFP Token Broker: fixed addresses towards providers',
      terminationProtection: removalPolicy === 'retain',
    });
    const addresses = Array.from({ length: ZONES }, (_, index) => this.address(`Address${index + 1}`));
    const network = this.privateNetwork(addresses);
    this.logRefusals(network, { logGroupName: `/aws/vendedlogs/${name}/egress`, retention: logRetentionDays });
    // CDK's own types do not allow for exactOptionalPropertyTypes.
    this.network = network as IVpc;
    this.securityGroup = this.waysOut();
    new CfnOutput(this, 'EgressAddresses', {
      value: addresses.map(({ attrPublicIp }) => `${attrPublicIp}/32`).join(', '),
      description: 'Enter as a named location in Conditional Access, and wherever else addresses are allowed',
    });
  }

  private address(id: string): CfnEIP {
    return new CfnEIP(this, id, { domain: 'vpc' });
  }

  private privateNetwork(addresses: readonly CfnEIP[]): Vpc {
    const network = new Vpc(this, 'Network', {
      maxAzs: ZONES,
      // Nothing else is ever in it; functions of one group share their network interfaces.
      ipAddresses: IpAddresses.cidr('10.0.0.0/24'),
      natGateways: ZONES,
      natGatewayProvider: NatProvider.gateway({
        eipAllocationIds: addresses.map(({ attrAllocationId }) => attrAllocationId),
      }),
      subnetConfiguration: [
        { name: 'nat', subnetType: SubnetType.PUBLIC, cidrMask: 26, mapPublicIpOnLaunch: false },
        { name: 'functions', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 26 },
      ],
      // Nothing is in the default group; emptying it would take a Lambda function.
      restrictDefaultSecurityGroup: false,
    });
    // Free, and what goes to the table and the messages costs nothing at the NAT gateway.
    network.addGatewayEndpoint('Dynamodb', { service: GatewayVpcEndpointAwsService.DYNAMODB });
    network.addGatewayEndpoint('S3', { service: GatewayVpcEndpointAwsService.S3 });
    return network;
  }

  /** Refused connections alone: they tell of a port that is missing here, and the rest is in the functions' own logs. */
  private logRefusals(network: Vpc, log: { readonly logGroupName: string; readonly retention: number }): void {
    const logGroup = new LogGroup(this, 'FlowLog', { ...log, removalPolicy: RemovalPolicy.DESTROY });
    network.addFlowLog('Refused', {
      destination: FlowLogDestination.toCloudWatchLogs(logGroup),
      trafficType: FlowLogTrafficType.REJECT,
    });
  }

  private waysOut(): SecurityGroup {
    const group = new SecurityGroup(this, 'WaysOut', {
      vpc: this.network,
      description: 'Functions that talk to providers: out to their servers, nothing in',
      allowAllOutbound: false,
    });
    for (const port of WAYS_OUT) group.addEgressRule(Peer.anyIpv4(), Port.tcp(port));
    return group;
  }
}
