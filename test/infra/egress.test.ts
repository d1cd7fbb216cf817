import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Template } from 'aws-cdk-lib/assertions';
import type { brokerStacks } from '../../infra/broker-stacks.ts';
import { hyphened } from '../../infra/rights/table-access.ts';
import { FUNCTIONS, type FunctionName } from '../../scripts/build.ts';
import { type Deployment, synthesize } from './deployment.ts';

const withStacks = (settings: Readonly<Record<string, string>>) => {
  const seen: ReturnType<typeof brokerStacks>[] = [];
  const deployed = synthesize(settings, (stacks) => seen.push(stacks));
  const egress = seen[0]?.egress;
  return { deployed, stack: egress, template: egress && Template.fromStack(egress) };
};

const plain = withStacks({});
const fixed = withStacks({ staticEgress: 'on' });
const resourcesOf = (type: string) => Object.entries(fixed.template?.findResources(type) ?? {});

/** What calls providers or their mail servers is composed of one of these. */
const CALLS = /adapters\/(identity-providers|mail-transports|mail-probe)\//;

const callsProviders = (name: FunctionName): boolean =>
  CALLS.test(readFileSync(new URL(`../../functions/${name}/handler.ts`, import.meta.url), 'utf8'));

const isInNetwork = (deployed: Deployment, name: FunctionName): boolean =>
  deployed.lambdaOf(name).properties.VpcConfig !== undefined;

describe('fixed addresses towards providers', () => {
  it('are not there unless they are asked for', () => {
    assert.equal(plain.stack, undefined);
    assert.deepEqual(
      FUNCTIONS.filter((name) => isInNetwork(plain.deployed, name)),
      [],
    );
    assert.ok(!JSON.stringify(plain.deployed.stateless.toJSON()).includes('ec2:'));
  });

  it('are those of every function that calls providers, and of no other', () => {
    const wanted = FUNCTIONS.filter(callsProviders);
    assert.deepEqual(wanted, ['sign-in', 'refresh-grants/worker', 'relay-mail/send', 'relay-mail/test']);
    assert.deepEqual(
      FUNCTIONS.filter((name) => isInNetwork(fixed.deployed, name)),
      wanted,
    );
  });

  it('are two, one in each zone, and told as a named location takes them', () => {
    const addresses = resourcesOf('AWS::EC2::EIP').map(([id]) => id);
    assert.equal(addresses.length, 2);
    const gateways = resourcesOf('AWS::EC2::NatGateway').map(([, { Properties }]) => Properties);
    assert.deepEqual(
      gateways.map(({ AllocationId }) => AllocationId['Fn::GetAtt']),
      addresses.map((id) => [id, 'AllocationId']),
    );
    const zoneOf = (subnet: string): number =>
      fixed.template?.findResources('AWS::EC2::Subnet')[subnet]?.Properties.AvailabilityZone['Fn::Select'][0];
    assert.deepEqual(
      gateways.map(({ SubnetId }) => zoneOf(SubnetId.Ref)),
      [0, 1],
    );
    const { Value } = fixed.template?.toJSON().Outputs.EgressAddresses ?? {};
    const told = addresses.map((id) => ({ 'Fn::GetAtt': [id, 'PublicIp'] }));
    assert.deepEqual(Value, { 'Fn::Join': ['', [told[0], '/32, ', told[1], '/32']] });
  });

  it('outlive the functions: they are in a stack of their own, which is not deleted by mistake', () => {
    assert.equal(fixed.stack?.terminationProtection, true);
    assert.equal(withStacks({ staticEgress: 'on', removalPolicy: 'destroy' }).stack?.terminationProtection, false);
  });

  it('have functions in subnets whose way out is the address of their zone', () => {
    const { SubnetIds } = fixed.deployed.lambdaOf('refresh-grants/worker').properties.VpcConfig;
    assert.equal(SubnetIds.length, 2);
    assert.match(JSON.stringify(SubnetIds), /functionsSubnet1.*functionsSubnet2/);
    const waysOut = resourcesOf('AWS::EC2::Route').filter(([id]) => id.includes('functionsSubnet'));
    assert.deepEqual(
      waysOut.map(([, { Properties }]) => Properties.NatGatewayId !== undefined && Properties.GatewayId === undefined),
      [true, true],
    );
  });

  it('reach the ports of providers and of AWS, and nothing reaches in', () => {
    const groups = resourcesOf('AWS::EC2::SecurityGroup');
    assert.equal(groups.length, 1);
    const { SecurityGroupEgress: out, SecurityGroupIngress: into } = groups[0]?.[1].Properties ?? {};
    assert.deepEqual(
      out.map(({ FromPort, ToPort, IpProtocol }: Record<string, unknown>) => [IpProtocol, FromPort, ToPort]),
      [443, 587, 465, 993, 995].map((port) => ['tcp', port, port]),
    );
    assert.equal(into, undefined);
    assert.deepEqual(resourcesOf('AWS::EC2::SecurityGroupIngress'), []);
  });

  it('cost nothing for what goes to the table and to messages', () => {
    const endpoints = resourcesOf('AWS::EC2::VPCEndpoint').map(([, { Properties }]) => Properties);
    assert.deepEqual(
      endpoints.map(({ VpcEndpointType }) => VpcEndpointType),
      ['Gateway', 'Gateway'],
    );
    assert.match(JSON.stringify(endpoints), /\.dynamodb".*\.s3"/);
  });

  it('take no function of CDK, and log what was refused', () => {
    assert.deepEqual(resourcesOf('AWS::Lambda::Function'), []);
    const [log] = resourcesOf('AWS::EC2::FlowLog');
    assert.equal(log?.[1].Properties.TrafficType, 'REJECT');
    const [group] = resourcesOf('AWS::Logs::LogGroup');
    assert.equal(group?.[1].Properties.RetentionInDays, 30);
  });

  it('are there before the function needs them', () => {
    const { DependsOn } = fixed.deployed.stateless.findResources('AWS::Lambda::Function')[
      fixed.deployed.lambdaOf('relay-mail/send').logicalId
    ] as { DependsOn: string[] };
    assert.ok(
      DependsOn.some((id) => id.startsWith('relaymailsendRoleNetwork')),
      DependsOn.join(),
    );
  });

  it('let Lambda make network interfaces for the function, and its own code not', () => {
    for (const name of FUNCTIONS) {
      const rights = fixed.deployed
        .rightsOf(name)
        .filter(({ actions }) => actions.some((one) => one.startsWith('ec2:')));
      assert.deepEqual(
        rights.map(({ effect, actions, resources }) => [effect, actions.length, resources]),
        isInNetwork(fixed.deployed, name)
          ? [
              ['Allow', 6, ['*']],
              ['Deny', 6, ['*']],
            ]
          : [],
        name,
      );
      assert.deepEqual(rights[0]?.actions, rights[1]?.actions);
    }
    const policies = Object.values(fixed.deployed.stateless.findResources('AWS::IAM::Policy'));
    for (const name of FUNCTIONS.filter(callsProviders)) {
      const role = fixed.deployed.resolved(fixed.deployed.lambdaOf(name).properties.Role).replace('.Arn', '');
      const statements: Record<string, unknown>[] = policies
        .filter(({ Properties }) => fixed.deployed.resolved(Properties.Roles[0]) === role)
        .flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
      const condition = JSON.stringify(statements.find(({ Effect }) => Effect === 'Deny')?.Condition);
      const arn = `:function:token-broker-${hyphened(name)}`;
      assert.ok(
        condition.startsWith('{"ArnLike":{"lambda:SourceFunctionArn":[') && condition.includes(`${arn}"`),
        name,
      );
      // As a version or an alias may be named.
      assert.ok(condition.includes(`${arn}:*"`), name);
    }
  });
});
