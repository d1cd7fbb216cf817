import { rmSync, statSync } from 'node:fs';
import { brokerApp, CONTEXT, EVERYTHING, type SettingsGiven } from '../../../scripts/rights/synthesize.ts';

export { CONTEXT, EVERYTHING };

export interface Resource {
  readonly Type: string;
  readonly Properties?: { readonly [name: string]: unknown };
}

export interface StackTemplate {
  readonly stack: string;
  /** Of the file that is sent to CloudFormation. */
  readonly bytes: number;
  readonly resources: readonly Resource[];
}

/** The templates of the deployment with these settings, as they are written for CloudFormation. */
export const templatesOf = (settings: SettingsGiven = {}): readonly StackTemplate[] => {
  const { app, outdir } = brokerApp(settings);
  try {
    return app.synth().stacks.map(({ stackName, templateFullPath, template }) => ({
      stack: stackName,
      bytes: statSync(templateFullPath).size,
      resources: Object.values((template as { Resources: Readonly<Record<string, Resource>> }).Resources),
    }));
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
};
