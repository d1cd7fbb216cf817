import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { close, type Emulator, listen } from './aws-json.ts';

export interface FakeStack {
  readonly status: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** Physical ids by type, and by the names that the template gives them. */
  readonly resources?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly template?: unknown;
}

const escaped = (value: string): string => value.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

const members = (items: readonly string[]): string => items.map((item) => `<member>${item}</member>`).join('');

const NAMESPACE = 'http://cloudformation.amazonaws.com/doc/2010-05-15/';

/** Far fewer than CloudFormation gives at once, so that whoever does not ask on sees a part. */
const PAGE = 2;

interface Asked {
  readonly name: string;
  /** Empty: for the first page. */
  readonly token: string;
}

const ANSWERS: Readonly<Record<string, (asked: Asked, stack: FakeStack) => string>> = {
  DescribeStacks({ name }, { status, outputs }) {
    const listed = Object.entries(outputs).map(
      ([key, value]) => `<OutputKey>${key}</OutputKey><OutputValue>${escaped(value)}</OutputValue>`,
    );
    const stack = `<StackName>${name}</StackName><StackStatus>${status}</StackStatus><Outputs>${members(listed)}</Outputs>`;
    return `<Stacks>${members([`${stack}<CreationTime>2026-11-01T00:00:00Z</CreationTime>`])}</Stacks>`;
  },
  ListStackResources({ token }, { resources = {} }) {
    const listed = Object.entries(resources).flatMap(([type, ids]) =>
      Object.entries(ids).map(
        ([logical, physical]) =>
          `<ResourceType>${type}</ResourceType><LogicalResourceId>${logical}</LogicalResourceId>` +
          `<PhysicalResourceId>${escaped(physical)}</PhysicalResourceId><ResourceStatus>CREATE_COMPLETE</ResourceStatus>`,
      ),
    );
    const from = Number(token);
    const next = from + PAGE < listed.length ? `<NextToken>${from + PAGE}</NextToken>` : '';
    return `<StackResourceSummaries>${members(listed.slice(from, from + PAGE))}</StackResourceSummaries>${next}`;
  },
  GetTemplate: (_asked, { template }) => `<TemplateBody>${escaped(JSON.stringify(template))}</TemplateBody>`,
};

/** CloudFormation's part that the commands use, by AWS's query protocol. `stacks` may be changed while it runs. */
export const startCloudFormation = async (stacks: ReadonlyMap<string, FakeStack>): Promise<Emulator> => {
  const server = createServer(async (request, response) => {
    const form = new URLSearchParams(await text(request));
    const field = (key: string): string => form.get(key) ?? '';
    const [action, name, token] = [field('Action'), field('StackName'), field('NextToken')];
    const stack = stacks.get(name);
    const answer = ANSWERS[action];
    const headers = { 'content-type': 'text/xml' };
    if (stack === undefined || answer === undefined) {
      const message = answer === undefined ? `Unknown action ${action}` : `Stack with id ${name} does not exist`;
      const error = `<Error><Type>Sender</Type><Code>ValidationError</Code><Message>${message}</Message></Error>`;
      response.writeHead(400, headers).end(`<ErrorResponse xmlns="${NAMESPACE}">${error}</ErrorResponse>`);
      return;
    }
    const result = `<${action}Result>${answer({ name, token }, stack)}</${action}Result>`;
    response.writeHead(200, headers).end(`<${action}Response xmlns="${NAMESPACE}">${result}</${action}Response>`);
  });
  const port = await listen(server);
  return { endpoint: `http://127.0.0.1:${port}`, close: () => close(server) };
};
