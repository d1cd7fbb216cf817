import { EVERYTHING, type Resource, type StackTemplate, templatesOf } from '../deployment/templates.ts';
import { customMetrics } from './custom-metrics.ts';

/** What is paid for by the month, whether it is used or not; read off the templates. */
export interface Deployed {
  readonly secrets: number;
  readonly keys: number;
  readonly schedules: number;
  readonly alarms: number;
  /** An alarm over several metrics costs as many as it looks at. */
  readonly alarmMetrics: number;
  readonly dashboards: number;
  /** Combinations of metric and dimensions. */
  readonly metrics: number;
  readonly natGateways: number;
  readonly egressAddresses: number;
  readonly gateway: { readonly vcpus: number; readonly memoryGb: number; readonly addresses: number };
}

const EGRESS = /-egress$/;
const GATEWAY = /-smtp-gateway$/;

const ofType = (templates: readonly StackTemplate[], type: string): readonly Resource[] =>
  templates.flatMap(({ resources }) => resources.filter(({ Type }) => Type === type));

const metricsOf = ({ Properties = {} }: Resource): number => {
  const { Metrics } = Properties;
  return Array.isArray(Metrics) ? Metrics.filter((one) => 'MetricStat' in Object(one)).length : 1;
};

/** What everybody sets: a broker whose alarms nobody is told of is not the one that is described. */
const SETTINGS = { notificationAddress: EVERYTHING.notificationAddress };

/** With an address for alarms, and by default in all else; what is optional is counted with everything on. */
export const readDeployed = (): Deployed => {
  const templates = templatesOf(SETTINGS);
  const all = templatesOf(EVERYTHING);
  const egress = all.filter(({ stack }) => EGRESS.test(stack));
  const gateway = all.filter(({ stack }) => GATEWAY.test(stack));
  const alarms = ofType(templates, 'AWS::CloudWatch::Alarm');
  const [task] = ofType(gateway, 'AWS::ECS::TaskDefinition');
  const [door] = ofType(gateway, 'AWS::ElasticLoadBalancingV2::LoadBalancer');
  if (task === undefined || door === undefined) throw new Error('the SMTP gateway has no task, or no load balancer');
  const subnets = door.Properties?.Subnets;
  return {
    secrets: ofType(templates, 'AWS::SecretsManager::Secret').length,
    keys: ofType(templates, 'AWS::KMS::Key').length,
    schedules: ofType(templates, 'AWS::Scheduler::Schedule').length,
    alarms: alarms.length,
    alarmMetrics: alarms.reduce((sum, alarm) => sum + metricsOf(alarm), 0),
    dashboards: ofType(templates, 'AWS::CloudWatch::Dashboard').length,
    metrics: customMetrics(),
    natGateways: ofType(egress, 'AWS::EC2::NatGateway').length,
    egressAddresses: ofType(egress, 'AWS::EC2::EIP').length,
    gateway: {
      vcpus: Number(task.Properties?.Cpu) / 1024,
      memoryGb: Number(task.Properties?.Memory) / 1024,
      // The load balancer's, one in each zone, and the task's own.
      addresses: (Array.isArray(subnets) ? subnets.length : 0) + 1,
    },
  };
};
