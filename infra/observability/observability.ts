import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { raise } from './alarm.ts';
import { frontAlarms } from './alarms/fronts.ts';
import { functionAlarms } from './alarms/functions.ts';
import { mailAlarms } from './alarms/mail.ts';
import { tableAlarms } from './alarms/table.ts';
import { tokenAlarms } from './alarms/tokens.ts';
import { addDashboard } from './dashboard.ts';
import { alarmTopic } from './topic.ts';
import { addTracing } from './tracing.ts';
import type { Watched } from './watched.ts';

/**
 * What tells how the broker is: a dashboard, alarms, and whom they are told to. Returns the topic, for alarms of other stacks;
 * undefined where nobody is to be told.
 */
export const addObservability = (scope: Construct, watched: Watched): ITopic | undefined => {
  const { name, notificationAddress } = watched.settings;
  const topic = notificationAddress === undefined ? undefined : alarmTopic(scope, name, notificationAddress);
  const entries = [tokenAlarms, frontAlarms, mailAlarms, functionAlarms, tableAlarms].flatMap((alarmsOf) =>
    alarmsOf(watched),
  );
  const alarms = entries.map((entry) => raise(scope, { broker: name, topic }, entry));
  addDashboard(scope, watched, alarms);
  addTracing(scope, watched);
  return topic;
};
