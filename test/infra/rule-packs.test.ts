import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CfnResource, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ACKNOWLEDGED, type Acknowledgement } from '../../infra/rule-packs/acknowledged.ts';
import { rulePacks } from '../../infra/rule-packs/rule-packs.ts';
import { brokerApp, EVERYTHING, type SettingsGiven, type Stacks } from '../../scripts/rights/synthesize.ts';

/** Synthesizes as `cdk` does, and tells what the packs have found: `<rule> <resource>`, without what is acknowledged. */
const check = (settings: SettingsGiven, change: (stacks: Stacks) => void = () => undefined) => {
  const { app, stacks } = brokerApp(settings);
  change(stacks);
  const acknowledged = new Set<Acknowledgement>();
  const found: string[] = [];
  for (const pack of rulePacks(app, (entry) => acknowledged.add(entry))) {
    Validations.of(app).addPlugins({
      name: pack.name,
      validate: (context) => {
        for (const { ruleName, violatingResources } of pack.validate(context).violations) {
          for (const { constructPath } of violatingResources) found.push(`${ruleName} ${constructPath}`);
        }
        return { success: true, violations: [] };
      },
    });
  }
  app.synth();
  return { found, acknowledged };
};

describe('the rule packs', () => {
  const plain = check({});
  const whole = check(EVERYTHING);

  it('find nothing that is not acknowledged, as it comes', () => assert.deepEqual(plain.found, []));

  it('find nothing that is not acknowledged, with every option on', () => assert.deepEqual(whole.found, []));

  it('are told why in one sentence each, and nothing that they do not ask', () => {
    for (const entry of ACKNOWLEDGED) {
      assert.match(entry.because, /^[A-Z][^.]*[^.\s]\.$/, String(entry.rule));
      assert.ok(plain.acknowledged.has(entry) || whole.acknowledged.has(entry), `nothing needs ${entry.rule}`);
    }
  });

  it('see what nobody has acknowledged, also beside what somebody has', () => {
    const { found } = check({}, ({ stateful, stateless }) => {
      new Bucket(stateful, 'Open');
      const worker = stateless.functions.byName['fetch-token'].lambda;
      worker.addToRolePolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: ['*'] }));
      new CfnResource(stateless, 'Queue', { type: 'AWS::SQS::Queue' });
    });
    assert.ok(found.includes('AwsSolutions-S10 token-broker-data/Open/Resource'), found.join());
    assert.ok(
      found.includes('AwsSolutions-IAM5[Resource::*] token-broker/fetch-token/Role/DefaultPolicy/Resource'),
      found.join(),
    );
  });
});
