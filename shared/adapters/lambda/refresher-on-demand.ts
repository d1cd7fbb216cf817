import type { Refresher } from '../../ports/refresher.ts';

/** A refresher that is made when it is first asked: most processes that serve devices live and die with fresh tokens. */
export const refresherOnDemand = (make: () => Promise<Refresher>): Refresher => {
  let making: Promise<Refresher> | undefined;
  const made = (): Promise<Refresher> => {
    making ??= make();
    return making;
  };
  return {
    refreshNow: async (request) => (await made()).refreshNow(request),
    refreshSoon: async (request) => (await made()).refreshSoon(request),
  };
};
