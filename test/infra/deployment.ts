import { Template } from 'aws-cdk-lib/assertions';
import { hyphened } from '../../infra/rights/table-access.ts';
import type { FunctionName } from '../../scripts/build.ts';
import { type SettingsGiven, type Stacks, synthesizeTemplates } from '../../scripts/rights/synthesize.ts';
import { type RoleRead, readTemplates, type Statement as StatementRead } from '../../scripts/rights/template-reader.ts';

export type { Stacks };

/** The stacks with these settings, and whatever `change` does to them before they are synthesized. */
export const synthesize = (settings: SettingsGiven = {}, change?: (stacks: Stacks) => void): Deployment => {
  const { stacks, templates } = synthesizeTemplates(settings, change);
  return deploymentOf(templates, stacks);
};

export type Deployment = ReturnType<typeof deploymentOf>;

export interface Statement extends StatementRead {
  /** The partitions it is held to; undefined: not held to any. */
  readonly partitions: readonly string[] | undefined;
}

type Json = { readonly [name: string]: unknown };

const deploymentOf = (templates: ReadonlyMap<string, Template>, stacks: Stacks) => {
  const stateful = templates.get(stacks.stateful.stackName) ?? Template.fromStack(stacks.stateful);
  const stateless = templates.get(stacks.stateless.stackName) ?? Template.fromStack(stacks.stateless);
  const reader = readTemplates(new Map([...templates].map(([name, template]) => [name, template.toJSON()])));
  const { resolved } = reader;
  const roles = reader.rolesRead();

  const find = (type: string) => Object.entries(stateless.findResources(type));

  const lambdaOf = (name: FunctionName) => {
    const wanted = `token-broker-${hyphened(name)}`;
    const found = find('AWS::Lambda::Function').find(([, { Properties }]) => Properties.FunctionName === wanted);
    if (found === undefined) throw new Error(`no function ${wanted}`);
    const [logicalId, { Properties: properties }] = found;
    return { logicalId, properties };
  };

  const roleOf = (name: FunctionName): RoleRead => {
    const wanted = resolved(lambdaOf(name).properties.Role);
    const found = roles.find(({ role }) => `<${role.logicalId}.Arn>` === wanted);
    if (found === undefined) throw new Error(`no role ${wanted}`);
    return found;
  };

  const withPartitions = (statement: StatementRead): Statement => ({
    ...statement,
    partitions: statement.conditions['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'],
  });

  /** The one resource of the stateful stack whose construct has this name. */
  const data = (type: string, construct: string) => {
    const found = Object.entries(stateful.findResources(type)).filter(([id]) =>
      new RegExp(`^${construct}[0-9A-F]{8}$`).test(id),
    );
    const [only] = found;
    if (found.length !== 1 || only === undefined) throw new Error(`${found.length} of ${type} ${construct}`);
    return { logicalId: only[0], ...only[1] } as { logicalId: string; Properties: Json; DeletionPolicy?: string };
  };

  return {
    stacks,
    templates,
    stateful,
    stateless,
    reader,
    resolved,
    roles,
    lambdaOf,
    roleOf,
    /** Of all roles beside the functions. */
    allStatements: roles
      .filter(({ role }) => role.stack === stacks.stateless.stackName)
      .flatMap(({ statements }) => statements.map(withPartitions)),
    /** All that the function's role may do. */
    rightsOf: (name: FunctionName): readonly Statement[] => roleOf(name).statements.map(withPartitions),
    environmentOf(name: FunctionName): Readonly<Record<string, string>> {
      const variables: Json = lambdaOf(name).properties.Environment.Variables;
      return Object.fromEntries(Object.entries(variables).map(([variable, value]) => [variable, resolved(value)]));
    },
    data,
    /** As `resolved` gives it for a resource of the stateful stack. */
    arnOf(type: string, construct: string): string {
      const { logicalId } = data(type, construct);
      return type === 'AWS::SecretsManager::Secret' ? `<${logicalId}>` : `<${logicalId}.Arn>`;
    },
  };
};
