import { setGlobalProxyFromEnv } from 'node:http';

/** HTTPS_PROXY and NO_PROXY hold for every HTTP request of this process (R9); this machine needs no proxy to reach itself. */
export const useOutboundProxy = ({ NO_PROXY, no_proxy = NO_PROXY, ...env }: NodeJS.ProcessEnv): void => {
  const direct = [no_proxy, 'localhost', '127.0.0.1', '[::1]'].filter(Boolean).join(',');
  setGlobalProxyFromEnv({ ...env, no_proxy: direct, NO_PROXY: direct });
};
