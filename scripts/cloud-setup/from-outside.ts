import { noReplyReason } from '../../shared/adapters/http-client/reply.ts';

/** A function that starts for the first time, behind API Gateway, answers well within this. */
const TIMEOUT_MS = 35_000;

export type Outside =
  | { readonly is: 'well'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly is: 'wrong'; readonly what: string };

const ask = async (url: string, headers: Record<string, string>): Promise<Outside> => {
  try {
    const reply = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (reply.status !== 200) return { is: 'wrong', what: `${url} answers ${reply.status}` };
    const body: unknown = await reply.json();
    if (typeof body === 'object' && body !== null) return { is: 'well', body: { ...body } };
    return { is: 'wrong', what: `${url} does not answer with JSON` };
  } catch (error) {
    // What `json` throws repeats the reply.
    const reason = error instanceof SyntaxError ? 'the answer is not JSON' : noReplyReason(error);
    return { is: 'wrong', what: `${url} cannot be had (${reason})` };
  }
};

/** What devices are told of the broker (RFC 8414): that it answers, and under the address that it was deployed with. */
export const askMetadata = async (publicUrl: string): Promise<Outside> => {
  const found = await ask(`${publicUrl}/.well-known/oauth-authorization-server`, {});
  if (found.is === 'wrong' || found.body.issuer === publicUrl) return found;
  return { is: 'wrong', what: `another broker answers at ${publicUrl}: it calls itself by another address` };
};

export const askRegistrations = (publicUrl: string, adminKey: string): Promise<Outside> =>
  ask(`${publicUrl}/v1/admin/app-registrations`, { authorization: `Bearer ${adminKey}` });
