import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { BrokerAlarm } from '../alarm.ts';
import { percentWithin } from '../arithmetic.ts';
import { reading } from '../metrics.ts';
import type { Watched } from '../watched.ts';

/** HTTP API and REST API name their metrics differently, and both have them. */
type Front = Pick<HttpApi | RestApi, 'metricServerError' | 'metricCount' | 'metricLatency'>;

const apiFails = (id: string, api: Front, what: string): BrokerAlarm => {
  const how = reading({ statistic: 'Sum', minutes: 5 });
  return {
    id: `${id}-errors`,
    section: 'The API fails or is slow',
    act: 'at once',
    means: `For ten minutes, more than 2 % of ${what} have been answered with 5xx: by a function (503 with a reason, 500 for a bug), or by API Gateway where a function died or was held back.`,
    remedy: 'See which function has errors or throttles on the dashboard; if none, which kind of refusal went up.',
    metric: percentWithin(api.metricServerError(how), api.metricCount(how), {
      ...{ atLeast: 5, minutes: 5 },
      label: 'Answered with 5xx, per cent',
    }),
    bad: { above: 2 },
    periods: { bad: 2, of: 3 },
    missing: 'nothing happened',
    quietMeans: 'mended',
  };
};

const apiSlow = (id: string, api: Front, what: string): BrokerAlarm => ({
  id: `${id}-slow`,
  section: 'The API fails or is slow',
  act: 'today',
  means: `For a quarter of an hour, one in a hundred of ${what} has taken more than 5 seconds; many devices give up after ten.`,
  remedy:
    'Compare the durations of the functions on the dashboard; most often a provider answers slowly, or the table is throttled.',
  metric: api.metricLatency(reading({ statistic: 'p99', minutes: 5 })),
  bad: { above: 5000 },
  // A sign-in or a test of a mailbox may take as long, and in a small fleet one of them is p99.
  periods: { bad: 3, of: 3 },
  missing: 'nothing happened',
  quietMeans: 'mended',
});

export const frontAlarms = ({ api, legacyApi }: Watched): readonly BrokerAlarm[] => {
  const fronts: readonly (readonly [string, Front | undefined, string])[] = [
    ['api', api, 'all requests'],
    ['legacy-api', legacyApi, 'the requests at the address for old devices'],
  ];
  return fronts.flatMap(([id, front, what]) =>
    front === undefined ? [] : [apiFails(id, front, what), apiSlow(id, front, what)],
  );
};
