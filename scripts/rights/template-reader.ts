/** Reads roles and policies out of synthesized templates, with every reference as a text. */

export type Json = { readonly [name: string]: unknown };

export interface Resource {
  readonly stack: string;
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Json;
}

/** `resources` and the values of conditions have references as `<LogicalId>` or `<LogicalId.Attribute>`. */
export interface Statement {
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** In the policy of a resource: to whom it speaks. */
  readonly principals: readonly string[];
  /** By operator and key: `StringEquals`, `kms:ViaService`. */
  readonly conditions: { readonly [operator: string]: { readonly [key: string]: readonly string[] } };
}

export interface RoleRead {
  readonly role: Resource;
  /** Who may take it: `lambda.amazonaws.com`, or whatever a principal is. */
  readonly trusts: readonly string[];
  readonly managedPolicies: readonly string[];
  readonly statements: readonly Statement[];
}

export const asArray = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];
export const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;
const objectIn = (value: unknown): Json => (isObject(value) ? value : {});

/** What a right may be said with. A statement with anything else (`NotAction`, say) would be misread. */
const KNOWN = new Set(['Sid', 'Effect', 'Action', 'Resource', 'Condition', 'Principal']);

export const readTemplates = (templates: ReadonlyMap<string, Json>) => {
  const resources: Resource[] = [...templates].flatMap(([stack, template]) =>
    Object.entries(objectIn(template.Resources)).map(([logicalId, resource]) => {
      const { Type, Properties } = objectIn(resource);
      return { stack, logicalId, type: String(Type), properties: objectIn(Properties) };
    }),
  );

  const ofType = (type: string): Resource[] => resources.filter((resource) => resource.type === type);

  /** What the stacks export, by the name of the export. */
  const exported = new Map(
    [...templates.values()]
      .flatMap(({ Outputs }) => Object.values(objectIn(Outputs)).map(objectIn))
      .map(({ Export, Value }) => [String(objectIn(Export).Name), Value]),
  );

  /** A reference as text, also where it leads into another stack. */
  const resolved = (value: unknown): string => {
    if (!isObject(value)) return String(value);
    const [[kind, of] = ['', undefined]] = Object.entries(value);
    if (kind === 'Ref') return `<${of}>`;
    if (kind === 'Fn::GetAtt') return `<${asArray(of).join('.')}>`;
    if (kind === 'Fn::Join') {
      const [between, parts] = asArray(of);
      return asArray(parts).map(resolved).join(String(between));
    }
    if (kind === 'Fn::Sub' && typeof of === 'string') return of.replaceAll(/\$\{([\w:.]+)\}/g, '<$1>');
    if (kind === 'Fn::GetStackOutput' && isObject(of)) {
      const outputs = objectIn(templates.get(String(of.StackName))?.Outputs);
      return resolved(objectIn(outputs[String(of.OutputName)]).Value);
    }
    if (kind === 'Fn::ImportValue') return resolved(exported.get(String(of)));
    throw new TypeError(`cannot read ${JSON.stringify(value)}`);
  };

  const principalsOf = ({ Principal }: Json): string[] =>
    typeof Principal === 'string'
      ? [Principal]
      : Object.values(objectIn(Principal)).flatMap((principals) => asArray(principals).map(resolved));

  const statementOf = (statement: Json): Statement => {
    const unknown = Object.keys(statement).find((key) => !KNOWN.has(key));
    if (unknown !== undefined) throw new TypeError(`cannot read a statement with ${unknown}`);
    const conditions = Object.entries(objectIn(statement.Condition)).map(([operator, keys]) => [
      operator,
      Object.fromEntries(Object.entries(objectIn(keys)).map(([key, value]) => [key, asArray(value).map(resolved)])),
    ]);
    return {
      effect: String(statement.Effect),
      actions: asArray(statement.Action).map(String),
      resources: asArray(statement.Resource).map(resolved),
      principals: principalsOf(statement),
      conditions: Object.fromEntries(conditions),
    };
  };

  const statementsOf = (policy: unknown): Statement[] =>
    asArray(objectIn(policy).Statement).filter(isObject).map(statementOf);

  const rolesRead = (): RoleRead[] =>
    ofType('AWS::IAM::Role').map((role) => {
      const { AssumeRolePolicyDocument, ManagedPolicyArns, Policies } = role.properties;
      const attached = [...ofType('AWS::IAM::Policy'), ...ofType('AWS::IAM::ManagedPolicy')].filter(
        ({ stack, properties }) =>
          stack === role.stack && asArray(properties.Roles).map(resolved).includes(`<${role.logicalId}>`),
      );
      const documents = [
        ...asArray(Policies).map((policy) => objectIn(policy).PolicyDocument),
        ...attached.map(({ properties }) => properties.PolicyDocument),
      ];
      return {
        role,
        trusts: statementsOf(AssumeRolePolicyDocument).flatMap(({ principals }) => principals),
        managedPolicies: asArray(ManagedPolicyArns).map(resolved),
        statements: documents.flatMap(statementsOf),
      };
    });

  return { resources, ofType, resolved, statementsOf, rolesRead };
};

export type TemplateReader = ReturnType<typeof readTemplates>;
