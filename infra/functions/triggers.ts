import { Duration } from 'aws-cdk-lib';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Schedule, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import type { Construct } from 'constructs';
import type { Settings } from '../settings/settings.ts';
import type { StatefulStack } from '../stateful-stack.ts';
import type { BrokerFunction } from './broker-function.ts';
import type { BrokerFunctions } from './broker-functions.ts';

/** Grants of one delivery. */
const BATCH_SIZE = 10;

/** With ten grants in each, 400 refreshes at once: at half a second each somewhat more than the sweep lets through. */
export const REFRESHERS = 40;

/** The least that SQS takes as a maximum (API reference, ScalingConfig). */
const FEWEST = 2;

/**
 * Refreshers that the queue may keep busy, of those that may run at once: two thirds, so that there is room for a device that
 * waits for its token while the queue is full. More than may run, and SQS would deliver what Lambda turns away, again and
 * again, until it lies with the dead letters.
 */
export const refreshersForQueue = (refreshConcurrency: number | undefined): number =>
  refreshConcurrency === undefined
    ? REFRESHERS
    : Math.min(REFRESHERS, Math.max(FEWEST, Math.floor((2 * refreshConcurrency) / 3)));

/**
 * Mailboxes that are sent for at once. Each may take a quarter of an hour, and an account runs a thousand functions at once
 * unless AWS is asked for more: without a limit, mail that piled up would keep devices from their tokens.
 */
const SENDERS = 300;

/** What sets the functions going that answer nobody: queues and schedules. */
export const addTriggers = (
  scope: Construct,
  { byName }: BrokerFunctions,
  { stateful, settings }: { readonly stateful: StatefulStack; readonly settings: Settings },
): void => {
  const refreshers = refreshersForQueue(settings.refreshConcurrency);
  const grants = { batchSize: BATCH_SIZE, reportBatchItemFailures: true, maxConcurrency: refreshers };
  byName['refresh-grants/worker'].target.addEventSource(new SqsEventSource(stateful.grantQueue, grants));
  // One mailbox at a time: a second one would run into the function's own limit.
  const mail = { batchSize: 1, reportBatchItemFailures: true, maxConcurrency: SENDERS };
  byName['relay-mail/send'].target.addEventSource(new SqsEventSource(stateful.mailQueue, mail));
  everyMinute(scope, 'EveryMinute', byName['refresh-grants/sweep'], 'Queues the grants and the mailboxes that are due');
  everyMinute(scope, 'NotifyEveryMinute', byName.notify, 'Tells people of what they must mend');
};

const everyMinute = (scope: Construct, id: string, { target }: BrokerFunction, description: string): void => {
  new Schedule(scope, id, {
    description,
    schedule: ScheduleExpression.rate(Duration.minutes(1)),
    // One that fails is not repeated: the next comes within a minute and finds the same work.
    target: new LambdaInvoke(target, { retryAttempts: 0, maxEventAge: Duration.minutes(1) }),
  });
};
