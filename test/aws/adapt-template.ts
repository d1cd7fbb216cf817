/**
 * What must be changed about a template before ministack 1.5.33 makes of it what AWS would. Each names the difference; none
 * hides one of ours.
 */
type Json = { readonly [name: string]: unknown };

interface Resource {
  readonly Type: string;
  readonly Properties?: Json;
}

export interface CfnTemplate {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly [section: string]: unknown;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Everywhere in it, from the inside out. */
const rewrite = (value: unknown, change: (value: unknown) => unknown): unknown => {
  if (Array.isArray(value)) return change(value.map((one) => rewrite(one, change)));
  if (!isObject(value)) return change(value);
  return change(Object.fromEntries(Object.entries(value).map(([name, one]) => [name, rewrite(one, change)])));
};

/** `Ref` of a secret is its ARN (template reference, AWS::SecretsManager::Secret); ministack gives the name. */
const arnsOfSecrets = (template: CfnTemplate): CfnTemplate => {
  const isSecret = (id: unknown): boolean => template.Resources[String(id)]?.Type === 'AWS::SecretsManager::Secret';
  return rewrite(template, (value) =>
    isObject(value) && isSecret(value.Ref) ? { 'Fn::GetAtt': [value.Ref, 'Id'] } : value,
  ) as CfnTemplate;
};

const PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';

/** ministack knows `ExcludeCharacters` alone. */
const noPunctuation = (template: CfnTemplate): CfnTemplate =>
  rewrite(template, (value) =>
    isObject(value) && value.ExcludePunctuation === true ? { ...value, ExcludeCharacters: PUNCTUATION } : value,
  ) as CfnTemplate;

/** ministack refuses a stack that has an alarm over a formula. */
const noMetricMath = (template: CfnTemplate): CfnTemplate => {
  const kept = Object.entries(template.Resources).filter(
    ([, { Type, Properties }]) => Type !== 'AWS::CloudWatch::Alarm' || Properties?.Metrics === undefined,
  );
  return { ...template, Resources: Object.fromEntries(kept) };
};

/** They ask for what `cdk bootstrap` left in the account. */
const noBootstrapRule = ({ Rules: _rules, Parameters: _parameters, ...template }: CfnTemplate): CfnTemplate => template;

const PLAIN_HTTP = /"(aws:SecureTransport|s3:TlsVersion)"/;

/** No difference: what is said here is said without TLS, and the policies of bucket and queues refuse just that. */
const noRefusalOfPlainHttp = (template: CfnTemplate): CfnTemplate =>
  rewrite(template, (value) => {
    if (!isObject(value) || !Array.isArray(value.Statement)) return value;
    const isRefusal = (one: unknown) => isObject(one) && one.Effect === 'Deny' && PLAIN_HTTP.test(JSON.stringify(one));
    return { ...value, Statement: value.Statement.filter((one) => !isRefusal(one)) };
  }) as CfnTemplate;

/** Not ministack's difference: the address of the front here, and the stand-ins' mail servers. */
const here = (template: CfnTemplate, { publicUrl, mailServers }: Places): CfnTemplate =>
  rewrite(template, (value) => {
    if (typeof value === 'string') return value.replaceAll(publicUrl.from, publicUrl.to);
    return isObject(value) && value.BROKER_MAIL_SERVERS !== undefined
      ? { ...value, BROKER_MAIL_SERVERS: mailServers }
      : value;
  }) as CfnTemplate;

export interface Places {
  readonly publicUrl: { readonly from: string; readonly to: string };
  /** As JSON. */
  readonly mailServers: string;
}

export const adaptTemplate = (template: CfnTemplate, places: Places): CfnTemplate =>
  [arnsOfSecrets, noPunctuation, noMetricMath, noRefusalOfPlainHttp, noBootstrapRule].reduce(
    (changed, change) => change(changed),
    here(template, places),
  );
