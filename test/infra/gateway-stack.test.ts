import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { PROXY_LIMITS } from '../../gateway/proxy/options.ts';
import { readGatewaySettings } from '../../gateway/settings.ts';
import { SMTP_LIMITS } from '../../gateway/smtp/options.ts';
import { type SettingsGiven, synthesizeTemplates } from '../../scripts/rights/synthesize.ts';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:gateway-token-AbC123';
const WANTED = {
  hostName: 'scan.example.com',
  allowFrom: ['203.0.113.0/24', '198.51.100.7/32'],
  enrolmentTokenSecret: SECRET,
};

/** Every stack of the app, by name. */
const synthesize = (settings: SettingsGiven): ReadonlyMap<string, Template> => synthesizeTemplates(settings).templates;

const off = synthesize({});
const { templates: on, outdir: assembly } = synthesizeTemplates({ smtpGateway: WANTED });
const gateway = on.get('token-broker-smtp-gateway') ?? assert.fail('no stack for the gateway');

type Json = { readonly [name: string]: unknown };
const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null;

const only = (type: string): Json => {
  const found = Object.values(gateway.findResources(type));
  const [one] = found;
  assert.equal(found.length, 1, type);
  return one?.Properties;
};

const idOf = (type: string, construct: string): string => {
  const ids = Object.keys(gateway.findResources(type)).filter((id) => new RegExp(`^${construct}[0-9A-F]{8}$`).test(id));
  assert.equal(ids.length, 1, construct);
  return ids[0] ?? '';
};

const container = (): Json => {
  const definitions: unknown = only('AWS::ECS::TaskDefinition').ContainerDefinitions;
  const [one] = Array.isArray(definitions) ? definitions : [];
  assert.ok(isJson(one));
  return one;
};

const environment = (): ReadonlyMap<string, unknown> => {
  const variables: unknown = container().Environment;
  assert.ok(Array.isArray(variables));
  return new Map(variables.map(({ Name, Value }: Json) => [String(Name), Value]));
};

/** As the program itself reads what it is given there. */
const programSettings = () => {
  const variables = Object.fromEntries([...environment()].filter(([, value]) => typeof value === 'string'));
  return readGatewaySettings({ ...variables, GATEWAY_BROKER_URL: '' }, { host: '0.0.0.0' });
};

const listenersOutside = () =>
  Object.values(gateway.findResources('AWS::ElasticLoadBalancingV2::Listener')).map(({ Properties }) => Properties);

const targetGroups = () =>
  Object.values(gateway.findResources('AWS::ElasticLoadBalancingV2::TargetGroup')).map(({ Properties }) => Properties);

/** What may come in to a group: its own rules, and those that stand by themselves. */
const waysIn = (construct: string): readonly Json[] => {
  const id = idOf('AWS::EC2::SecurityGroup', construct);
  const inline = gateway.findResources('AWS::EC2::SecurityGroup')[id]?.Properties.SecurityGroupIngress ?? [];
  const apart = Object.values(gateway.findResources('AWS::EC2::SecurityGroupIngress'))
    .map(({ Properties }) => Properties)
    .filter(({ GroupId }) => GroupId['Fn::GetAtt'][0] === id);
  return [...inline, ...apart];
};

/** Of the role whose construct has this name. */
const rightsOf = (construct: string): readonly Json[] => {
  const role = idOf('AWS::IAM::Role', construct);
  return Object.values(gateway.findResources('AWS::IAM::Policy'))
    .filter(({ Properties }) => JSON.stringify(Properties.Roles) === JSON.stringify([{ Ref: role }]))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
};

describe('without the setting', () => {
  it('deploys no gateway', () => {
    assert.deepEqual([...off.keys()], ['token-broker-data', 'token-broker']);
    assert.deepEqual([...synthesize({ smtpGateway: 'off' }).keys()], [...off.keys()]);
  });

  it('deploys the broker that it deploys with it', () => {
    for (const name of off.keys()) {
      const { Resources: without } = off.get(name)?.toJSON() ?? {};
      const { Resources: beside } = on.get(name)?.toJSON() ?? {};
      assert.deepEqual(beside, without, name);
    }
  });
});

describe('the gateway service', () => {
  it('runs one task, and stops it before the next one starts', () => {
    gateway.hasResourceProperties('AWS::ECS::Service', {
      DesiredCount: 1,
      LaunchType: 'FARGATE',
      DeploymentConfiguration: Match.objectLike({ MaximumPercent: 100, MinimumHealthyPercent: 0 }),
      AvailabilityZoneRebalancing: 'DISABLED',
    });
    gateway.resourceCountIs('AWS::ApplicationAutoScaling::ScalableTarget', 0);
  });

  it('runs it on arm64, with a read-only root, without capabilities, and as nobody', () => {
    gateway.hasResourceProperties('AWS::ECS::TaskDefinition', {
      RuntimePlatform: { CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' },
      RequiresCompatibilities: ['FARGATE'],
    });
    const { ReadonlyRootFilesystem, User, LinuxParameters, Privileged } = container();
    assert.equal(ReadonlyRootFilesystem, true);
    const dockerfile = readFileSync(new URL('../../gateway/Dockerfile', import.meta.url), 'utf8');
    assert.equal(User, /^USER (\d+):\d+$/m.exec(dockerfile)?.[1]);
    assert.equal(Privileged, undefined);
    assert.deepEqual(LinuxParameters, { Capabilities: { Drop: ['ALL'] } });
  });

  it('builds its image of all that the Dockerfile copies, and of nothing else', () => {
    const { dockerImages } = JSON.parse(readFileSync(join(assembly, 'token-broker-smtp-gateway.assets.json'), 'utf8'));
    const [image, ...others] = Object.values<Json>(dockerImages);
    assert.deepEqual(others, []);
    assert.ok(isJson(image?.source));
    const { directory, dockerFile, platform } = image.source;
    assert.equal(platform, 'linux/arm64');
    const folder = join(assembly, String(directory));
    const dockerfile = readFileSync(join(folder, String(dockerFile)), 'utf8');
    const copies = [...dockerfile.matchAll(/^COPY (?!--from)(.*)$/gm)].flatMap(([, rest = '']) =>
      rest.split(' ').slice(0, -1),
    );
    assert.deepEqual(readdirSync(folder).sort(), ['.dockerignore', ...copies].sort());
  });

  it('gives it time to end its sessions', () => {
    const { StopTimeout } = container();
    assert.ok(Number(StopTimeout) > 30);
  });

  it('keeps its state on an encrypted file system that outlives it and is not backed up', () => {
    gateway.hasResource('AWS::EFS::FileSystem', {
      Properties: { Encrypted: true, BackupPolicy: Match.absent() },
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
    const fileSystem = idOf('AWS::EFS::FileSystem', 'Spool');
    const [volume] = only('AWS::ECS::TaskDefinition').Volumes as Json[];
    assert.deepEqual(volume?.EFSVolumeConfiguration, {
      FilesystemId: { Ref: fileSystem },
      TransitEncryption: 'ENABLED',
      AuthorizationConfig: { AccessPointId: { Ref: idOf('AWS::EFS::AccessPoint', 'SpoolGateway') }, IAM: 'ENABLED' },
    });
    assert.deepEqual(container().MountPoints, [
      { ContainerPath: programSettings().dataDir, ReadOnly: false, SourceVolume: volume?.Name },
    ]);
    const owner = { Uid: container().User, Gid: container().User };
    const { PosixUser, RootDirectory } = only('AWS::EFS::AccessPoint');
    assert.deepEqual(PosixUser, owner);
    assert.deepEqual(RootDirectory, {
      CreationInfo: { OwnerUid: owner.Uid, OwnerGid: owner.Gid, Permissions: '700' },
      Path: '/gateway',
    });
  });

  it('lets nobody to the file system but by a right of their own, and over TLS', () => {
    const { FileSystemPolicy } = only('AWS::EFS::FileSystem');
    assert.deepEqual(isJson(FileSystemPolicy) && FileSystemPolicy.Statement, [
      {
        Action: '*',
        Effect: 'Deny',
        Principal: { AWS: '*' },
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ]);
    const [from, ...others] = waysIn('SpoolGroup');
    assert.deepEqual(others, []);
    assert.deepEqual(from?.SourceSecurityGroupId, {
      'Fn::GetAtt': [idOf('AWS::EC2::SecurityGroup', 'TaskGroup'), 'GroupId'],
    });
    assert.deepEqual([from?.FromPort, from?.ToPort], [2049, 2049]);
  });

  it('takes the enrolment token from its secret, and has it nowhere else', () => {
    assert.deepEqual(container().Secrets, [{ Name: 'GATEWAY_ENROLMENT_TOKEN', ValueFrom: SECRET }]);
    assert.ok(!environment().has('GATEWAY_ENROLMENT_TOKEN'));
  });

  it('logs for a month, and does not wait for the log', () => {
    gateway.hasResource('AWS::Logs::LogGroup', { Properties: { RetentionInDays: 30 }, DeletionPolicy: 'Delete' });
    gateway.hasResourceProperties('AWS::ECS::TaskDefinition', {
      ContainerDefinitions: [
        Match.objectLike({
          LogConfiguration: { LogDriver: 'awslogs', Options: Match.objectLike({ mode: 'non-blocking' }) },
        }),
      ],
    });
  });
});

describe('what its roles may do', () => {
  it('lets the gateway mount and write its own folder, and nothing else', () => {
    const [statement, ...others] = rightsOf('TaskTaskRole');
    assert.deepEqual(others, []);
    assert.deepEqual(statement?.Action, ['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite']);
    assert.deepEqual(statement?.Resource, { 'Fn::GetAtt': [idOf('AWS::EFS::FileSystem', 'Spool'), 'Arn'] });
    const condition = JSON.stringify(statement?.Condition);
    assert.match(condition, /^\{"StringEquals":\{"elasticfilesystem:AccessPointArn":/);
    assert.ok(condition.includes(idOf('AWS::EFS::AccessPoint', 'SpoolGateway')));
  });

  it('lets its starter read one image and one secret, and write one log', () => {
    const rights = rightsOf('TaskExecutionRole').map(({ Action, Resource }) => [Action, Resource]);
    const [image, sesame, log, secret, ...others] = rights;
    assert.deepEqual(others, []);
    assert.match(JSON.stringify(image), /ecr:BatchGetImage.*:repository\/.*container-assets/);
    // AWS knows no resource for it.
    assert.deepEqual(sesame, ['ecr:GetAuthorizationToken', '*']);
    const logGroup = { 'Fn::GetAtt': [idOf('AWS::Logs::LogGroup', 'Log'), 'Arn'] };
    assert.deepEqual(log, [['logs:CreateLogStream', 'logs:PutLogEvents'], logGroup]);
    assert.deepEqual(secret, [['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'], SECRET]);
  });
});

describe('the way to it', () => {
  it('listens for SMTP and POP3, and leaves TLS to the gateway', () => {
    assert.deepEqual(
      listenersOutside().map(({ Port, Protocol }) => [Port, Protocol]),
      [
        [587, 'TCP'],
        [465, 'TCP'],
        [995, 'TCP'],
      ],
    );
    gateway.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      Type: 'network',
      Scheme: 'internet-facing',
      SecurityGroups: [{ 'Fn::GetAtt': [idOf('AWS::EC2::SecurityGroup', 'DoorGroup'), 'GroupId'] }],
    });
  });

  it('forgets no session that the gateway would wait for', () => {
    const longest = Math.max(PROXY_LIMITS.idleMs / 1000, SMTP_LIMITS.idleSeconds);
    for (const { ListenerAttributes } of listenersOutside()) {
      const [idle] = ListenerAttributes;
      assert.equal(idle.Key, 'tcp.idle_timeout.seconds');
      assert.ok(Number(idle.Value) > longest);
    }
  });

  it("shows the gateway the devices' own addresses", () => {
    assert.equal(targetGroups().length, 3);
    for (const { TargetGroupAttributes, TargetType } of targetGroups()) {
      assert.equal(TargetType, 'ip');
      assert.ok(
        TargetGroupAttributes.some(({ Key, Value }: Json) => Key === 'preserve_client_ip.enabled' && Value === 'true'),
      );
      assert.ok(TargetGroupAttributes.every(({ Key }: Json) => Key !== 'proxy_protocol_v2.enabled'));
    }
  });

  it('asks the gateway how it is', () => {
    const { status } = programSettings();
    for (const { HealthCheckPath, HealthCheckPort, HealthCheckProtocol } of targetGroups()) {
      assert.deepEqual([HealthCheckProtocol, HealthCheckPort, HealthCheckPath], ['HTTP', `${status.port}`, '/health']);
    }
  });

  it('lets devices in from the listed networks alone', () => {
    const allowed = waysIn('DoorGroup').map(({ CidrIp, FromPort, ToPort }) => [CidrIp, FromPort, ToPort]);
    const expected = [587, 465, 995].flatMap((port) => WANTED.allowFrom.map((network) => [network, port, port]));
    assert.deepEqual(allowed.sort(), expected.sort());
  });

  it('lets as many networks in as a security group has room for', () => {
    const allowFrom = Array.from({ length: 20 }, (_, index) => `203.0.113.${index}/32`);
    const many = synthesize({ smtpGateway: { ...WANTED, allowFrom } }).get('token-broker-smtp-gateway');
    const groups = Object.values(many?.findResources('AWS::EC2::SecurityGroup') ?? {});
    const rules = groups.map(({ Properties }) => Properties.SecurityGroupIngress?.length ?? 0);
    // Amazon VPC quotas: inbound rules per security group.
    assert.equal(Math.max(...rules), 60);
  });

  it('lets nobody to the gateway, nor to its status page, but the load balancer', () => {
    const door = { 'Fn::GetAtt': [idOf('AWS::EC2::SecurityGroup', 'DoorGroup'), 'GroupId'] };
    for (const rule of waysIn('TaskGroup')) {
      assert.deepEqual([rule.SourceSecurityGroupId, rule.CidrIp], [door, undefined]);
    }
    const { listeners, status } = programSettings();
    const ports = [...listeners.map(({ port }) => port), status.port];
    assert.deepEqual(
      waysIn('TaskGroup')
        .map(({ FromPort }) => FromPort)
        .sort(),
      ports.sort(),
    );
    assert.ok(targetGroups().every(({ Port }) => Port !== status.port));
  });

  it('lets the gateway out to the broker, to providers, to its spool, and nowhere else', () => {
    const task = idOf('AWS::EC2::SecurityGroup', 'TaskGroup');
    const { SecurityGroupEgress } = gateway.findResources('AWS::EC2::SecurityGroup')[task]?.Properties ?? {};
    assert.deepEqual(
      SecurityGroupEgress.map(({ FromPort, ToPort }: Json) => [FromPort, ToPort]),
      [443, 587, 465, 993, 995].map((port) => [port, port]),
    );
  });
});

describe('the settings that the program gets', () => {
  it('are ones that it takes, for the name that devices call', () => {
    assert.equal(programSettings().name, 'scan.example.com');
    assert.equal(programSettings().certificate, undefined);
  });

  it('name the broker that is deployed beside it', () => {
    assert.match(JSON.stringify(environment().get('GATEWAY_BROKER_URL')), /"Fn::GetStackOutput".*ApiEndpoint/);
    const elsewhere = synthesize({ smtpGateway: WANTED, publicUrl: 'https://broker.example.com' });
    const template = JSON.stringify(elsewhere.get('token-broker-smtp-gateway')?.toJSON());
    assert.match(template, /"Name":"GATEWAY_BROKER_URL","Value":"https:\/\/broker\.example\.com"/);
  });

  it('let no password pass without TLS', () => {
    for (const { security, cleartext_sign_in } of programSettings().listeners) {
      assert.notEqual(security, 'plain');
      assert.equal(cleartext_sign_in, false);
    }
  });

  it('have it listen where the load balancer sends', () => {
    const { listeners } = programSettings();
    const targets = targetGroups().map(({ Port }) => Port);
    assert.deepEqual(
      listeners.map(({ port }) => port),
      targets,
    );
    const mapped = container().PortMappings as Json[];
    assert.ok(targets.every((port) => mapped.some(({ ContainerPort }) => ContainerPort === port)));
  });
});

/** What differs from the one that is taken. */
const shown = (change: unknown): string => {
  if (!isJson(change) || Array.isArray(change)) return JSON.stringify(change).slice(0, 40);
  const differing = Object.entries({ ...WANTED, ...change }).filter(
    ([name, value]) => value !== Reflect.get(WANTED, name),
  );
  return differing.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join();
};

describe('settings of the whole deployment', () => {
  it('say how long the log is kept, and whether unsent mail stays when the stack goes', () => {
    const context = { smtpGateway: WANTED, logRetentionDays: '365', removalPolicy: 'destroy' };
    const trial = synthesize(context).get('token-broker-smtp-gateway') ?? assert.fail('no stack for the gateway');
    trial.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 365 });
    trial.hasResource('AWS::EFS::FileSystem', { DeletionPolicy: 'Delete' });
  });
});

describe('the setting', () => {
  it('may be text, as -c gives it', () => {
    const asText = synthesize({ smtpGateway: JSON.stringify(WANTED) }).get('token-broker-smtp-gateway');
    assert.deepEqual(asText?.toJSON(), gateway.toJSON());
  });

  for (const [change, message] of [
    [
      'on',
      /^smtpGateway must be off, or an object with hostName, allowFrom, enrolmentTokenSecret \(with -c as JSON\)\.$/,
    ],
    [[WANTED], /^smtpGateway must be off/],
    [{ ...WANTED, image: 'x' }, /^smtpGateway has no field "image"/],
    [{ ...WANTED, hostName: 'Scan' }, /^smtpGateway\.hostName must be a host name/],
    [{ ...WANTED, hostName: `${'s'.repeat(60)}.com` }, /^smtpGateway\.hostName/],
    [{ ...WANTED, hostName: 'https://scan.example.com' }, /^smtpGateway\.hostName/],
    [{ ...WANTED, allowFrom: undefined }, /^smtpGateway\.allowFrom must list the networks/],
    [{ ...WANTED, allowFrom: [] }, /^smtpGateway\.allowFrom/],
    [{ ...WANTED, allowFrom: '203.0.113.0/24' }, /^smtpGateway\.allowFrom/],
    [{ ...WANTED, allowFrom: ['0.0.0.0/0'] }, /^smtpGateway\.allowFrom/],
    [{ ...WANTED, allowFrom: ['203.0.113.0/24', '0.0.0.0/1'] }, /^smtpGateway\.allowFrom/],
    [{ ...WANTED, allowFrom: ['203.0.113.300/24'] }, /^smtpGateway\.allowFrom/],
    [{ ...WANTED, allowFrom: ['203.0.113.0/33'] }, /^smtpGateway\.allowFrom/],
    [{ ...WANTED, allowFrom: ['203.0.113.5'] }, /^smtpGateway\.allowFrom/],
    [
      { ...WANTED, allowFrom: Array.from({ length: 21 }, (_, index) => `203.0.113.${index}/32`) },
      /^smtpGateway\.allowFrom may list 20 networks at most, not 21: join those/,
    ],
    [{ ...WANTED, enrolmentTokenSecret: 'gateway-token' }, /^smtpGateway\.enrolmentTokenSecret must be the whole ARN/],
    [{ ...WANTED, enrolmentTokenSecret: SECRET.replace('-AbC123', '-*') }, /^smtpGateway\.enrolmentTokenSecret/],
  ] as const) {
    it(`is refused as ${shown(change)}`, () => {
      assert.throws(() => synthesize({ smtpGateway: change }), { name: 'DeploymentError', message });
    });
  }
});
