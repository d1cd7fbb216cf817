/** What only a fetch needs that finds no fresh token: loaded with the first of them, not at the start. */
export { LambdaClient } from '../../shared/adapters/lambda/lambda-client.ts';
export { lambdaRefresher } from '../../shared/adapters/lambda/lambda-refresher.ts';
export { sqsClient } from '../../shared/adapters/sqs/sqs-client.ts';
export { sqsSender } from '../../shared/adapters/sqs/sqs-sender.ts';
