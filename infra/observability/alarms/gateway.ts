import type { NetworkTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { BrokerAlarm } from '../alarm.ts';
import { reading } from '../metrics.ts';

/** `targets`: one of the load balancer's target groups; all of them ask the one gateway the same. */
export const gatewayAlarm = (targets: NetworkTargetGroup): BrokerAlarm => ({
  id: 'smtp-gateway-down',
  section: 'The SMTP gateway is down',
  act: 'at once',
  means:
    'For ten minutes the load balancer has found no healthy SMTP gateway: devices that mail through it reach nobody. Mail that it had accepted lies on its disk.',
  remedy:
    "Read the gateway's log and the service's events in ECS. A wrong enrolment token, or an image that does not start, is said there.",
  metric: targets.metrics.healthyHostCount(reading({ statistic: 'Maximum', minutes: 5 })),
  // A new version takes the place of the old one within a minute or two.
  bad: { below: 1 },
  periods: { bad: 2, of: 2 },
  // With no task at all there is nothing to be healthy.
  missing: 'nothing runs',
  quietMeans: 'mended',
});
