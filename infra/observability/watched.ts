import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { BrokerFunction } from '../functions/broker-function.ts';
import type { FunctionName } from '../rights/table-access.ts';
import type { Settings } from '../settings/settings.ts';
import type { StatefulStack } from '../stateful-stack.ts';

/** What alarms and dashboard look at. */
export interface Watched {
  readonly settings: Settings;
  readonly stateful: StatefulStack;
  readonly functions: Readonly<Record<FunctionName, BrokerFunction>>;
  readonly api: HttpApi;
  /** The front for devices with old TLS. */
  readonly legacyApi: RestApi | undefined;
  readonly publicUrl: string;
}

/** As in the log's `provider`. */
export const PROVIDERS = { microsoft: 'Microsoft', google: 'Google' } as const;
