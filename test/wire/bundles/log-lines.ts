import type { FunctionName } from '../../../scripts/build.ts';
import type { Cloud } from './cloud.ts';

/** A line as the broker's own log writes it. */
export interface LoggedLine {
  readonly text: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What Lambda's runtime has put time, invocation and level in front of is none of the broker's lines. */
const FROM_CONSOLE = /^\d{4}-\d\d-\d\dT[\d:.]+Z\t/;

/** What a function has logged; throws for what CloudWatch could not take apart. */
export const loggedBy = (cloud: Pick<Cloud, 'functionOf'>, name: FunctionName): readonly LoggedLine[] =>
  cloud
    .functionOf(name)
    .logs()
    .split('\n')
    .filter((text) => text !== '' && !FROM_CONSOLE.test(text))
    .map((text) => {
      const { message, ...fields } = JSON.parse(text);
      return { text, event: String(message), fields };
    });
