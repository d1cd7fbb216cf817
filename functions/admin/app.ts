import type { Hono } from 'hono';
import { type BrokerEnv, brokerApp } from '../../shared/adapters/http/app.ts';
import { adminApi } from './api.ts';
import { type ConsoleDependencies, consoleApp } from './console.ts';

type AdminDependencies = ConsoleDependencies & Parameters<typeof adminApi>[0] & { readonly version: string };

/** What an administrator uses: the API for scripts, the console for people, both over the same use cases. */
export const adminApp = (dependencies: AdminDependencies): Hono<BrokerEnv> => {
  const app = brokerApp({ ...dependencies, errorShape: 'problem' });
  app.get('/health', (c) => c.json({ status: 'ok', version: dependencies.version }));
  app.route('/v1/admin', adminApi(dependencies));
  app.route('/', consoleApp(dependencies));
  return app;
};
