import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { App, CfnResource, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { brokerStacks } from '../../infra/broker-stacks.ts';
import { ACKNOWLEDGED, type Acknowledgement } from '../../infra/rule-packs/acknowledged.ts';
import { rulePacks } from '../../infra/rule-packs/rule-packs.ts';
import { CONTEXT, EVERYTHING, standInBundles } from './context.ts';

const scratch = mkdtempSync(join(tmpdir(), 'rule-packs-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

type Stacks = ReturnType<typeof brokerStacks>;

/** Synthesizes as `cdk` does, and tells what the packs have found: `<rule> <resource>`, without what is acknowledged. */
const check = (settings: object, change: (stacks: Stacks) => void = () => undefined) => {
  const app = new App({
    context: { ...CONTEXT, ...settings },
    analyticsReporting: false,
    outdir: mkdtempSync(join(scratch, 'out-')),
  });
  change(brokerStacks(app, standInBundles()));
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
