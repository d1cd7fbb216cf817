/** The client alone: what is imported at run time comes into a bundle whole, and the package has far more than this. */
export { SQSClient } from '@aws-sdk/client-sqs';
