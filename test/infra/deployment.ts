import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { brokerStacks } from '../../infra/broker-stacks.ts';
import { FUNCTIONS, type FunctionName } from '../../scripts/build.ts';

/** The context that `cdk` itself would hand to the app: the pinned feature flags. */
const CONTEXT = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8')).context;

const scratch = mkdtempSync(join(tmpdir(), 'deployment-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Stand-ins for the bundles, so that what is deployed can be looked at before it is built. */
const standInBundles = (): string => {
  const folder = join(scratch, 'bundles');
  for (const name of FUNCTIONS) {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, 'index.mjs'), 'export const handler = async () => undefined;\n');
  }
  return folder;
};

let bundles: string | undefined;

/** The stacks with these settings, and whatever `change` does to them before they are synthesized. */
export const synthesize = (
  settings: Readonly<Record<string, string>> = {},
  change: (stacks: ReturnType<typeof brokerStacks>) => void = () => undefined,
): Deployment => {
  bundles ??= standInBundles();
  const app = new App({
    context: { ...CONTEXT, ...settings },
    analyticsReporting: false,
    outdir: mkdtempSync(join(scratch, 'out-')),
  });
  const stacks = brokerStacks(app, bundles);
  change(stacks);
  return deploymentOf(Template.fromStack(stacks.stateful), Template.fromStack(stacks.stateless));
};

export type Deployment = ReturnType<typeof deploymentOf>;

export interface Statement {
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** The partitions it is held to; undefined: not held to any. */
  readonly partitions: readonly string[] | undefined;
}

type Json = { readonly [name: string]: unknown };

const asArray = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

const deploymentOf = (stateful: Template, stateless: Template) => {
  const outputs: Json = stateful.toJSON().Outputs;

  /** A reference as text: `<MailQueue4F838B3A.Arn>`, also where it leads into the other stack. */
  const resolved = (value: unknown): string => {
    if (!isObject(value)) return String(value);
    const [[kind, of] = ['', undefined]] = Object.entries(value);
    if (kind === 'Ref') return `<${of}>`;
    if (kind === 'Fn::GetAtt') return `<${asArray(of).join('.')}>`;
    if (kind === 'Fn::Join')
      return asArray(asArray(of)[1])
        .map(resolved)
        .join(String(asArray(of)[0]));
    if (kind === 'Fn::GetStackOutput' && isObject(of)) {
      const output = outputs[String(of.OutputName)];
      return resolved(isObject(output) ? output.Value : undefined);
    }
    throw new TypeError(`cannot read ${JSON.stringify(value)}`);
  };

  const statementsOf = (policy: unknown): Statement[] =>
    asArray(isObject(policy) ? policy.Statement : undefined)
      .filter(isObject)
      .map((statement) => {
        const condition = isObject(statement.Condition) ? statement.Condition['ForAllValues:StringLike'] : undefined;
        const leadingKeys = isObject(condition) ? condition['dynamodb:LeadingKeys'] : undefined;
        return {
          effect: String(statement.Effect),
          actions: asArray(statement.Action).map(String),
          resources: asArray(statement.Resource).map(resolved),
          partitions: leadingKeys === undefined ? undefined : asArray(leadingKeys).map(String),
        };
      });

  const find = (type: string) => Object.entries(stateless.findResources(type));

  const lambdaOf = (name: FunctionName) => {
    const wanted = `token-broker-${name.replace('/', '-')}`;
    const found = find('AWS::Lambda::Function').find(([, { Properties }]) => Properties.FunctionName === wanted);
    if (found === undefined) throw new Error(`no function ${wanted}`);
    const [logicalId, { Properties: properties }] = found;
    return { logicalId, properties };
  };

  const policies = find('AWS::IAM::Policy').map(([, { Properties }]) => ({
    roles: asArray(Properties.Roles).map(resolved),
    statements: statementsOf(Properties.PolicyDocument),
  }));

  return {
    stateful,
    stateless,
    resolved,
    lambdaOf,
    allStatements: policies.flatMap(({ statements }) => statements),
    /** All that the function's role may do. */
    rightsOf(name: FunctionName): readonly Statement[] {
      const role = resolved(lambdaOf(name).properties.Role).replace('.Arn', '');
      return policies.filter(({ roles }) => roles.includes(role)).flatMap(({ statements }) => statements);
    },
    environmentOf(name: FunctionName): Readonly<Record<string, string>> {
      const variables: Json = lambdaOf(name).properties.Environment.Variables;
      return Object.fromEntries(Object.entries(variables).map(([variable, value]) => [variable, resolved(value)]));
    },
    /** The one resource of the stateful stack whose construct has this name. */
    data(type: string, construct: string) {
      const found = Object.entries(stateful.findResources(type)).filter(([id]) =>
        new RegExp(`^${construct}[0-9A-F]{8}$`).test(id),
      );
      const [only] = found;
      if (found.length !== 1 || only === undefined) throw new Error(`${found.length} of ${type} ${construct}`);
      return { logicalId: only[0], ...only[1] } as { logicalId: string; Properties: Json; DeletionPolicy?: string };
    },
  };
};
