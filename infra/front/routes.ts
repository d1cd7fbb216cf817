import { type HttpApi, HttpMethod, HttpRoute, HttpRouteKey } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { ROUTES, type RoutedFunction } from '../../functions/routes.ts';
import type { BrokerFunctions } from '../functions/broker-functions.ts';
import { withBraces } from './patterns.ts';

/** What fits nowhere else, `/` among it: API Gateway's `{proxy+}` takes at least one segment. */
const EVERYTHING_ELSE = '/*';

/** Hono's `:name` and a last `*`, as API Gateway writes them. It has the most exact route win, not the first. */
const routeKey = (pattern: string): HttpRouteKey =>
  pattern === EVERYTHING_ELSE
    ? HttpRouteKey.DEFAULT
    : HttpRouteKey.with(withBraces(pattern).replace(/\*$/, '{proxy+}'), HttpMethod.ANY);

/** Every path of the common list to its function, whatever the method: each app itself says what it does not answer. */
export const addRoutes = (api: HttpApi, { byName }: BrokerFunctions): void => {
  for (const [name, patterns] of Object.entries(ROUTES)) {
    const integration = new HttpLambdaIntegration(`${name}-integration`, byName[name as RoutedFunction].target);
    for (const pattern of patterns) {
      new HttpRoute(api, `Route ${pattern}`, { httpApi: api, routeKey: routeKey(pattern), integration });
    }
  }
};
