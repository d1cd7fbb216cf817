import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { App } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { readSettings, SETTING_NAMES } from '../../infra/settings/settings.ts';
import { CONTEXT, EVERYTHING } from '../../scripts/rights/synthesize.ts';
import { contentLifeSeconds, retentionSeconds } from '../../shared/domain/retention.ts';
import { synthesize } from './deployment.ts';

const deployment = synthesize();

const DOMAIN = {
  name: 'mail.example.com',
  certificateArn: 'arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-4000-8000-000000000000',
};

const GATEWAY = {
  hostName: 'scan.example.com',
  allowFrom: ['203.0.113.0/24'],
  enrolmentTokenSecret: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:enrolment-token-AbC123',
};

describe('settings', () => {
  it('keep what was sent for as many days as they say, and every content for long enough', () => {
    const longer = synthesize({ retentionDays: '365' });
    const keeping = ['relay-mail/accept', 'relay-mail/gateway', 'relay-mail/send', 'refresh-grants/sweep'] as const;
    for (const name of [...keeping, 'admin', 'notify'] as const) {
      assert.equal(deployment.environmentOf(name).BROKER_RETENTION_DAYS, '30', name);
      assert.equal(longer.environmentOf(name).BROKER_RETENTION_DAYS, '365', name);
    }
    longer.stateful.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({ ExpirationInDays: contentLifeSeconds(retentionSeconds(365)) / 86_400 }),
        ]),
      },
    });
  });

  for (const [settings, message] of [
    [{ publicUrl: 'http://mail.example.com' }, /^publicUrl must be off, or https:\/\/host/],
    [{ publicUrl: 'https://mail.example.com/' }, /^publicUrl must be off, or https/],
    [{ publicUrl: 'https://mail.example.com/broker' }, /^publicUrl must be off, or https/],
    [{ publicUrl: '' }, /^publicUrl must be off, or https/],
    [{ name: 'Token Broker' }, /^name must be 2 to 32 lower-case letters/],
    [{ name: 'a'.repeat(33) }, /^name must be 2 to 32/],
    [{ vault: 'table' }, /^vault must be secrets-manager or envelope/],
    [{ retentionDays: '0' }, /^retentionDays must be a whole number from 1 to 365\.$/],
    [{ retentionDays: '366' }, /^retentionDays must be a whole number from 1 to 365\.$/],
    [{ retentionDays: 'a week' }, /^retentionDays must be a whole number from 1 to 365\.$/],
    [{ noticeMailbox: 'it@contoso.example' }, /^noticeMailbox must be the id of a mailbox .* or none/],
    [{ privateWebhooks: 'yes' }, /^privateWebhooks must be allow or refuse\.$/],
    [{ notificationAddress: 'operator' }, /^notificationAddress must be an e-mail address, or none\.$/],
    [{ logRetentionDays: '31' }, /^logRetentionDays must be a number of days that CloudWatch Logs takes: 1, 3, 5/],
    [{ logRetentionDays: '9999' }, /^logRetentionDays must be/],
    [{ removalPolicy: 'keep' }, /^removalPolicy must be retain or destroy\.$/],
    [{ rollout: 'canary' }, /^rollout must be all-at-once or canary-10-percent-5-minutes or/],
    [{ refreshConcurrency: '1' }, /^refreshConcurrency must be a whole number from 2 to 1000, or unreserved\.$/],
    [{ refreshConcurrency: 'none' }, /^refreshConcurrency must be .* or unreserved\.$/],
    [{ tracing: 'yes' }, /^tracing must be off or on\.$/],
    [{ staticEgress: 'yes' }, /^staticEgress must be off or on\.$/],
    [{ domain: 'mail.example.com' }, /^domain must be off, or an object with name, certificateArn, hostedZoneId/],
    [{ domain: '{"name":' }, /^domain must be off, or an object .* as JSON/],
    [{ domain: { name: 'mail.example.com' } }, /^domain\.certificateArn must be the ARN of a certificate/],
    [{ domain: { ...DOMAIN, name: 'Mail.example.com' } }, /^domain\.name must be a host name in lower case/],
    [
      { domain: { ...DOMAIN, hostedZoneId: 'example.com' } },
      /^domain\.hostedZoneId must be the id of a public hosted zone/,
    ],
    [
      { domain: { ...DOMAIN, zone: 'Z1' } },
      /^domain has no field "zone"; it has name, certificateArn, hostedZoneId\.$/,
    ],
    [{ legacyTls: 'on' }, /^legacyTls must be off, or an object with/],
    [{ domain: DOMAIN, legacyTls: DOMAIN }, /^domain and legacyTls need two names/],
    [{ domain: DOMAIN, publicUrl: 'https://other.example.com' }, /leave publicUrl out for mail\.example\.com\.$/],
    [{ smtpGateway: 'on' }, /^smtpGateway must be off, or an object with hostName, allowFrom, enrolmentTokenSecret/],
    [{ smtpGateway: { ...GATEWAY, allowFrom: [] } }, /^smtpGateway\.allowFrom must list the networks/],
    [{ smtpGateway: { ...GATEWAY, allowFrom: ['0.0.0.0/0'] } }, /^smtpGateway\.allowFrom must list the networks/],
    [
      { smtpGateway: { ...GATEWAY, enrolmentTokenSecret: 'token' } },
      /^smtpGateway\.enrolmentTokenSecret must be the whole ARN/,
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(settings)}`, () => {
      assert.throws(() => readSettings(contextOf(settings)), { name: 'DeploymentError', message });
    });
  }

  it('refuses a name that is no setting, by which one that is misspelt would count for nothing', () => {
    for (const misspelt of ['Vault', 'vaults', 'static-egress', 'retention_days']) {
      const message = new RegExp(
        `^There is no setting "${misspelt}"; there are name, publicUrl, .*vault, .*tracing\\.$`,
      );
      assert.throws(() => readSettings(contextOf({ [misspelt]: 'envelope' })), { name: 'DeploymentError', message });
    }
  });

  it('leave alone what is the CDK’s own: feature flags, what cdk adds, and what lies in cdk.context.json', () => {
    const looked = { 'availability-zones:account=111122223333:region=eu-central-1': ['eu-central-1a'] };
    const noted = { 'acknowledged-issue-numbers': [34892], 'cli-telemetry': false, ...looked };
    const added = { 'aws:cdk:enable-path-metadata': true, 'aws:cdk:bundling-stacks': ['**'] };
    const { vault } = readSettings(contextOf({ ...CONTEXT, ...noted, ...added, vault: 'envelope' }));
    assert.equal(vault, 'envelope');
  });

  it('takes an object as JSON, as -c gives it, and as cdk.json has it', () => {
    for (const domain of [DOMAIN, JSON.stringify(DOMAIN)]) {
      assert.deepEqual(readSettings(contextOf({ domain })).domain, { ...DOMAIN, hostedZoneId: undefined });
    }
  });

  it('are safe unless they are set', () => {
    const settings = readSettings(contextOf({}));
    const { domain, legacyTls, smtpGateway, notificationAddress, publicUrl, ...others } = settings;
    assert.deepEqual([domain, legacyTls, smtpGateway, notificationAddress, publicUrl], Array(5).fill(undefined));
    assert.deepEqual(others, {
      name: 'token-broker',
      staticEgress: 'off',
      vault: 'secrets-manager',
      retentionDays: 30,
      noticeMailbox: 'none',
      privateWebhooks: 'refuse',
      logRetentionDays: 30,
      removalPolicy: 'retain',
      rollout: 'all-at-once',
      refreshConcurrency: 60,
      tracing: 'off',
    });
  });

  it('are looked at with every one of them that adds something', () => {
    const others: (typeof SETTING_NAMES)[number][] = [
      ...(['name', 'publicUrl', 'vault', 'retentionDays', 'noticeMailbox', 'privateWebhooks'] as const),
      ...(['logRetentionDays', 'removalPolicy', 'refreshConcurrency'] as const),
    ];
    assert.deepEqual([...Object.keys(EVERYTHING), ...others].sort(), [...SETTING_NAMES].sort());
  });

  it('let two brokers live side by side in one account, by their names', () => {
    const second = synthesize({ name: 'second' });
    const named = Object.values(second.stateful.toJSON().Resources as Record<string, { Properties: Properties }>);
    for (const { Properties } of named) {
      for (const name of [Properties.Name, Properties.AliasName]) {
        if (name !== undefined) assert.match(name, /^(alias\/)?second(\/|$)/);
      }
    }
    assert.match(JSON.stringify(second.stateless.toJSON()), /:secret:second\/grant\/\*/);
    assert.doesNotMatch(JSON.stringify(second.stateless.toJSON()), /token-broker/);
  });
});

interface Properties {
  readonly Name?: string;
  readonly AliasName?: string;
}

const contextOf = (context: Readonly<Record<string, unknown>>) => new App({ context }).node;
