/** The deployment cannot be made; the message says why and what to do. For people, so without a stack trace. */
export class DeploymentError extends Error {
  override readonly name = 'DeploymentError';
}
