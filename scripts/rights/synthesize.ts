import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { brokerStacks } from '../../infra/broker-stacks.ts';
import { FUNCTIONS } from '../build.ts';

/** The context that `cdk` itself would hand to the app: the pinned feature flags. */
const CONTEXT = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8')).context;

export type Stacks = ReturnType<typeof brokerStacks>;
export type SettingsGiven = Readonly<Record<string, unknown>>;

let scratch: string | undefined;

const scratchFolder = (): string => {
  if (scratch !== undefined) return scratch;
  const folder = mkdtempSync(join(tmpdir(), 'deployment-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  // Stand-ins for the bundles, so that what is deployed can be looked at before it is built.
  for (const name of FUNCTIONS) {
    mkdirSync(join(folder, 'bundles', name), { recursive: true });
    writeFileSync(join(folder, 'bundles', name, 'index.mjs'), 'export const handler = async () => undefined;\n');
  }
  scratch = folder;
  return folder;
};

/** Every template of the deployment with these settings, by the name of its stack, after what `change` does to the stacks. */
export const synthesizeTemplates = (
  settings: SettingsGiven = {},
  change: (stacks: Stacks) => void = () => undefined,
): { readonly stacks: Stacks; readonly templates: ReadonlyMap<string, Template> } => {
  const folder = scratchFolder();
  const outdir = mkdtempSync(join(folder, 'out-'));
  const app = new App({ context: { ...CONTEXT, ...settings }, analyticsReporting: false, outdir });
  const stacks = brokerStacks(app, join(folder, 'bundles'));
  change(stacks);
  const all = app.node.children.filter((child): child is Stack => 'stackName' in child);
  return { stacks, templates: new Map(all.map((stack) => [stack.stackName, Template.fromStack(stack)])) };
};
