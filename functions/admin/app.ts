import type { Hono } from 'hono';
import { realProviders } from '../../console/view.ts';
import { type BrokerEnv, brokerApp } from '../../shared/adapters/http/app.ts';
import { VERSION } from '../../shared/config/version.ts';
import { adminApi } from './api.ts';
import { type ConsoleDependencies, consoleApp } from './console.ts';

type AdminDependencies = ConsoleDependencies & Parameters<typeof adminApi>[0] & { readonly version: string };

/** Nothing stands in for anything there, and there is nothing but HTTPS. */
export const inTheCloud = { secureCookies: true, version: VERSION, providers: realProviders } as const;

/** What an administrator uses: the API for scripts, the console for people, both over the same use cases. */
export const adminApp = (dependencies: AdminDependencies): Hono<BrokerEnv> => {
  const app = brokerApp({ ...dependencies, errorShape: 'problem' });
  app.get('/health', (c) => c.json({ status: 'ok', version: dependencies.version }));
  app.route('/v1/admin', adminApi(dependencies));
  app.route('/', consoleApp(dependencies));
  return app;
};
