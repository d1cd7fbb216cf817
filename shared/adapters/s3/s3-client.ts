/** The client alone: what is imported at run time comes into a bundle whole, and the package has far more than this. */
export { S3Client } from '@aws-sdk/client-s3';
