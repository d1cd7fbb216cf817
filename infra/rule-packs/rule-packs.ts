import { type App, type CfnResource, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, type IApplyRule, NagRuleCompliance, type NagRuleResult, ServerlessChecks } from 'cdk-nag';
import { ACKNOWLEDGED, type Acknowledgement } from './acknowledged.ts';

const { COMPLIANT, NON_COMPLIANT } = NagRuleCompliance;

/** The entry that says why a finding may stand. `rule`: with the part of the resource, where the rule names one. */
const acknowledgementOf = (rule: string, resource: CfnResource): Acknowledgement | undefined =>
  ACKNOWLEDGED.find(
    (entry) =>
      (typeof entry.rule === 'string' ? entry.rule === rule : entry.rule.test(rule)) &&
      entry.of === resource.cfnResourceType &&
      (entry.at === undefined || entry.at.test(resource.node.path)),
  );

/** Told of each finding that is acknowledged. */
type Observe = (entry: Acknowledgement) => void;

/**
 * The rule, silent about what is acknowledged: finding by finding, lest a reason that is good for one resource cover
 * another. CDK's own `acknowledge` takes whole ids, and those of cdk-nag hold names that change while CDK synthesizes.
 */
const withoutAcknowledged = (pack: string, params: IApplyRule, observe: Observe): IApplyRule => {
  const id = `${pack}-${params.ruleSuffixOverride ?? params.rule.name}`;
  const stands = (rule: string, resource: CfnResource): boolean => {
    const entry = acknowledgementOf(rule, resource);
    if (entry !== undefined) observe(entry);
    return entry !== undefined;
  };
  const rule = (resource: CfnResource): NagRuleResult => {
    const result = params.rule(resource);
    if (Array.isArray(result)) return result.filter((part) => !stands(`${id}[${part}]`, resource));
    return result === NON_COMPLIANT && stands(id, resource) ? COMPLIANT : result;
  };
  return { ...params, rule, ruleSuffixOverride: params.ruleSuffixOverride ?? params.rule.name };
};

const nobody: Observe = () => undefined;

class GoodPractice extends AwsSolutionsChecks {
  private readonly observe: Observe;

  constructor(app: App, observe: Observe) {
    super(app);
    this.observe = observe;
  }

  protected override applyRule(params: IApplyRule): void {
    super.applyRule(withoutAcknowledged(this.packName, params, this.observe));
  }
}

class GoodFunctions extends ServerlessChecks {
  private readonly observe: Observe;

  constructor(app: App, observe: Observe) {
    super(app);
    this.observe = observe;
  }

  protected override applyRule(params: IApplyRule): void {
    super.applyRule(withoutAcknowledged(this.packName, params, this.observe));
  }
}

/** cdk-nag's packs for good practice in general and for functions. */
export const rulePacks = (app: App, observe: Observe = nobody) => [
  new GoodPractice(app, observe),
  new GoodFunctions(app, observe),
];

/** Has the whole app checked when it is synthesized: a finding that nobody has acknowledged ends `cdk synth` and `cdk deploy`. */
export const addRulePacks = (app: App): void => Validations.of(app).addPlugins(...rulePacks(app));
