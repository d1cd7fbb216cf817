import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ROUTES } from '../../functions/routes.ts';
import { DEVICE_ROUTES } from '../../infra/front/device-routes.ts';
import { FUNCTIONS } from '../../scripts/build.ts';
import { type Deployment, synthesize } from './deployment.ts';

const CERTIFICATE = 'arn:aws:acm:eu-central-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef';
const ownDomain = (name: string, more: object = {}) => JSON.stringify({ name, certificateArn: CERTIFICATE, ...more });

const plain = synthesize();
const own = synthesize({ domain: ownDomain('broker.example.com') });
const inRoute53 = synthesize({ domain: ownDomain('broker.example.com', { hostedZoneId: 'Z0123456789ABC' }) });
const legacy = synthesize({ legacyTls: ownDomain('scan.example.com', { hostedZoneId: 'Z0123456789ABC' }) });

/** The one resource of its type. */
const onlyOf = ({ stateless }: Deployment, type: string) => {
  const [only, ...others] = Object.entries(stateless.findResources(type));
  assert.ok(only !== undefined && others.length === 0, `${others.length + (only ? 1 : 0)} of ${type}`);
  return { logicalId: only[0], properties: only[1].Properties };
};
const countOf = ({ stateless }: Deployment, type: string): number => Object.keys(stateless.findResources(type)).length;
const outputOf = ({ stateless, resolved }: Deployment, name: string): string | undefined => {
  const output = stateless.toJSON().Outputs[name];
  return output && resolved(output.Value);
};

/** Links, cookies and credentials are as good as what they lead to. */
const SECRET_VARIABLE =
  /\$context\.(path|requestOverride|authorizer|identity\.apiKey)\b|\$input|header|querystring|cookie/i;

const assertTellsEnough = (format: string, route: string): void => {
  const fields = JSON.parse(format);
  const told = Object.values(fields);
  for (const variable of [
    'requestId',
    route,
    'status',
    'responseLatency',
    'integrationErrorMessage',
    'identity.sourceIp',
  ]) {
    assert.ok(told.includes(`$context.${variable}`), `${variable} is not logged`);
  }
  assert.doesNotMatch(format, SECRET_VARIABLE);
};

const retentionOf = ({ stateless, resolved }: Deployment, destination: unknown): number => {
  const logicalId = /<(\w*AccessLog\w+?)(?:\.Arn)?>$/.exec(resolved(destination))?.[1] ?? '';
  const group = stateless.findResources('AWS::Logs::LogGroup')[logicalId];
  assert.match(group?.Properties.LogGroupName, /^\/aws\/vendedlogs\/token-broker\//);
  return group?.Properties.RetentionInDays;
};

describe('the front door', () => {
  it('has one stage, which is published at once, and bounds what one fleet would never ask', () => {
    const { properties } = onlyOf(plain, 'AWS::ApiGatewayV2::Stage');
    assert.equal(properties.StageName, '$default');
    assert.equal(properties.AutoDeploy, true);
    const { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst } = properties.DefaultRouteSettings;
    // A million devices in their busiest hour (infra/front/limits.ts), and what the whole account may ask.
    assert.ok(rate > 1200 && rate < 10_000, String(rate));
    assert.ok(burst > 500 && burst < 5000, String(burst));
  });

  it('logs who called what, how it went, and no secret, for as long as the settings say', () => {
    const { properties } = onlyOf(plain, 'AWS::ApiGatewayV2::Stage');
    assertTellsEnough(properties.AccessLogSettings.Format, 'routeKey');
    assert.equal(retentionOf(plain, properties.AccessLogSettings.DestinationArn), 30);
    const longer = synthesize({ logRetentionDays: '365' });
    const { AccessLogSettings } = onlyOf(longer, 'AWS::ApiGatewayV2::Stage').properties;
    assert.equal(retentionOf(longer, AccessLogSettings.DestinationArn), 365);
    for (const name of FUNCTIONS) {
      const log = longer.resolved(longer.lambdaOf(name).properties.LoggingConfig.LogGroup).slice(1, -1);
      assert.equal(longer.stateless.findResources('AWS::Logs::LogGroup')[log]?.Properties.RetentionInDays, 365, name);
    }
  });

  it('is at the address that API Gateway gives, unless there is one of its own', () => {
    assert.equal(onlyOf(plain, 'AWS::ApiGatewayV2::Api').properties.DisableExecuteApiEndpoint, false);
    for (const type of ['AWS::ApiGatewayV2::DomainName', 'AWS::Route53::RecordSet', 'AWS::ApiGateway::RestApi']) {
      assert.equal(countOf(plain, type), 0, type);
    }
  });

  it('tells its addresses', () => {
    const base = outputOf(plain, 'PublicUrl') ?? '';
    assert.match(base, /^<Api\w+\.ApiEndpoint>$/);
    assert.equal(outputOf(plain, 'ConsoleUrl'), `${base}/`);
    assert.equal(outputOf(plain, 'RedirectUriMicrosoft'), `${base}/oauth/callback/microsoft`);
    assert.equal(outputOf(plain, 'RedirectUriGoogle'), `${base}/oauth/callback/google`);
    assert.equal(outputOf(plain, 'DomainTarget'), undefined);
  });
});

describe('a domain of its own', () => {
  it('leads to the API with TLS 1.2, and is the only way there', () => {
    const { logicalId, properties } = onlyOf(own, 'AWS::ApiGatewayV2::DomainName');
    assert.equal(properties.DomainName, 'broker.example.com');
    assert.deepEqual(properties.DomainNameConfigurations, [
      { CertificateArn: CERTIFICATE, EndpointType: 'REGIONAL', SecurityPolicy: 'TLS_1_2' },
    ]);
    const api = onlyOf(own, 'AWS::ApiGatewayV2::Api');
    assert.equal(api.properties.DisableExecuteApiEndpoint, true);
    const { properties: mapping } = onlyOf(own, 'AWS::ApiGatewayV2::ApiMapping');
    assert.deepEqual(mapping, { ApiId: { Ref: api.logicalId }, DomainName: { Ref: logicalId }, Stage: '$default' });
  });

  it('is what functions and people are told', () => {
    for (const name of FUNCTIONS) {
      assert.equal(own.environmentOf(name).BROKER_PUBLIC_URL, 'https://broker.example.com', name);
    }
    assert.equal(outputOf(own, 'ConsoleUrl'), 'https://broker.example.com/');
    assert.equal(outputOf(own, 'RedirectUriGoogle'), 'https://broker.example.com/oauth/callback/google');
  });

  it('says where its record must lead, and makes it where its zone is known', () => {
    const { logicalId } = onlyOf(own, 'AWS::ApiGatewayV2::DomainName');
    assert.equal(outputOf(own, 'DomainTarget'), `<${logicalId}.RegionalDomainName>`);
    assert.match(
      own.stateless.toJSON().Outputs.DomainTarget.Description,
      /^Make a CNAME of it for broker\.example\.com$/,
    );
    assert.equal(countOf(own, 'AWS::Route53::RecordSet'), 0);
    const domain = onlyOf(inRoute53, 'AWS::ApiGatewayV2::DomainName').logicalId;
    assert.deepEqual(onlyOf(inRoute53, 'AWS::Route53::RecordSet').properties, {
      Name: 'broker.example.com.',
      Type: 'A',
      HostedZoneId: 'Z0123456789ABC',
      AliasTarget: {
        DNSName: { 'Fn::GetAtt': [domain, 'RegionalDomainName'] },
        HostedZoneId: { 'Fn::GetAtt': [domain, 'RegionalHostedZoneId'] },
      },
    });
  });
});

/** Not for devices: for browsers, administrators and gateways; and what would lead a device with old TLS nowhere. */
const NOT_FOR_OLD_TLS = [
  '/.well-known/oauth-authorization-server',
  '/sign-in/:sign_in_id',
  '/oauth/callback/:provider',
  '/pair',
  '/pair/qr.gif',
  '/reconnect/:token',
  '/v1/uploads',
  '/v1/gateway/*',
  '/v1/admin/*',
  '/health',
  '/*',
];

describe('the front for old TLS', () => {
  it('has each route either for devices or not', () => {
    const forDevices: string[] = Object.values(DEVICE_ROUTES).flat();
    assert.deepEqual([...forDevices, ...NOT_FOR_OLD_TLS].sort(), Object.values(ROUTES).flat().sort());
  });

  it('takes TLS 1.0 at a name of its own, and at no other', () => {
    const { properties } = onlyOf(legacy, 'AWS::ApiGateway::DomainName');
    assert.deepEqual(properties, {
      DomainName: 'scan.example.com',
      EndpointConfiguration: { Types: ['REGIONAL'] },
      RegionalCertificateArn: CERTIFICATE,
      SecurityPolicy: 'TLS_1_0',
    });
    const api = onlyOf(legacy, 'AWS::ApiGateway::RestApi');
    assert.equal(api.properties.SecurityPolicy, 'TLS_1_0', 'which is negotiated, and not that of the name');
    assert.equal(api.properties.DisableExecuteApiEndpoint, true);
    assert.equal(onlyOf(legacy, 'AWS::ApiGatewayV2::Api').properties.DisableExecuteApiEndpoint, false);
    assert.equal(countOf(legacy, 'AWS::ApiGatewayV2::DomainName'), 0);
    const mapping = onlyOf(legacy, 'AWS::ApiGateway::BasePathMapping').properties;
    assert.deepEqual(mapping.RestApiId, { Ref: api.logicalId });
    assert.equal(mapping.BasePath, undefined);
  });

  it('brings each path of a device to its function, every body in base64, and has no other', () => {
    const { stateless, resolved } = legacy;
    const resources = stateless.findResources('AWS::ApiGateway::Resource');
    const pathOf = (id: string): string => {
      const found = resources[id]?.Properties;
      return found === undefined ? '' : `${pathOf(resolved(found.ParentId).slice(1, -1))}/${found.PathPart}`;
    };
    const methods = Object.values(stateless.findResources('AWS::ApiGateway::Method')).map(({ Properties }) => {
      const target = /<(\w+)\.Arn>\/invocations$/.exec(resolved(Properties.Integration.Uri))?.[1];
      assert.equal(Properties.Integration.Type, 'AWS_PROXY');
      assert.equal(Properties.HttpMethod, 'ANY');
      return `${pathOf(resolved(Properties.ResourceId).slice(1, -1))} ${target}`;
    });
    const wanted = Object.entries(DEVICE_ROUTES).flatMap(([name, patterns]) =>
      patterns.map((pattern) => {
        const { logicalId } = legacy.lambdaOf(name as keyof typeof DEVICE_ROUTES);
        return `${pattern.replaceAll(/:(\w+)/g, '{$1}')} ${logicalId}`;
      }),
    );
    assert.deepEqual(methods.sort(), wanted.sort());
    assert.deepEqual(onlyOf(legacy, 'AWS::ApiGateway::RestApi').properties.BinaryMediaTypes, ['*/*']);
  });

  it('lets API Gateway call the functions for these paths alone', () => {
    const { logicalId } = onlyOf(legacy, 'AWS::ApiGateway::RestApi');
    const permitted = Object.values(legacy.stateless.findResources('AWS::Lambda::Permission'))
      .map(({ Properties }) => legacy.resolved(Properties.SourceArn))
      .filter((arn) => arn.includes(`<${logicalId}>`));
    assert.equal(permitted.length, Object.values(DEVICE_ROUTES).flat().length);
    for (const arn of permitted) assert.match(arn, /\/\*\/(v1|oauth)\/[\w/*]+$/);
  });

  it('says of what is not there that it is not there, as the other front does', () => {
    const { properties } = onlyOf(legacy, 'AWS::ApiGateway::GatewayResponse');
    assert.equal(properties.ResponseType, 'MISSING_AUTHENTICATION_TOKEN');
    assert.equal(properties.StatusCode, '404');
    assert.deepEqual(properties.ResponseTemplates, { 'application/json': '{"message":"Not Found"}' });
  });

  it('is bounded, and logs with which TLS it was called, to know when it can go', () => {
    const { properties } = onlyOf(legacy, 'AWS::ApiGateway::Stage');
    const { Format, DestinationArn } = properties.AccessLogSetting;
    assertTellsEnough(Format, 'resourcePath');
    assert.ok(Format.includes('$context.tlsVersion') && Format.includes('$context.cipherSuite'));
    assert.equal(retentionOf(legacy, DestinationArn), 30);
    const [settings] = properties.MethodSettings;
    assert.equal(settings.ResourcePath, '/*');
    assert.ok(settings.ThrottlingRateLimit > 1200 && settings.ThrottlingBurstLimit > 500);
    assert.equal(settings.DataTraceEnabled, false);
  });

  it('leaves the right to write logs, which all REST APIs of the region share, when it goes', () => {
    for (const type of ['AWS::ApiGateway::Account', 'AWS::IAM::Role']) {
      const kept = Object.entries(legacy.stateless.findResources(type)).filter(([id]) => id.startsWith('LegacyApi'));
      assert.deepEqual(
        kept.map(([, { DeletionPolicy }]) => DeletionPolicy),
        ['Retain'],
        type,
      );
    }
  });

  it('tells its address, and changes no other', () => {
    const { logicalId } = onlyOf(legacy, 'AWS::ApiGateway::DomainName');
    assert.equal(outputOf(legacy, 'LegacyUrl'), 'https://scan.example.com');
    assert.equal(outputOf(legacy, 'LegacyDomainTarget'), `<${logicalId}.RegionalDomainName>`);
    assert.equal(onlyOf(legacy, 'AWS::Route53::RecordSet').properties.Name, 'scan.example.com.');
    assert.match(legacy.environmentOf('fetch-token').BROKER_PUBLIC_URL ?? '', /^<Api\w+\.ApiEndpoint>$/);
    assert.deepEqual(
      Object.keys(legacy.stateless.toJSON().Outputs).filter((name) => name.startsWith('Legacy')),
      ['LegacyDomainTarget', 'LegacyUrl'],
    );
  });
});
