import type { Hono } from 'hono';
// Marked deprecated in favour of a package that is not published yet; kept to this one file.
import { handle } from 'hono/aws-lambda';
import type { BrokerEnv } from '../http/app.ts';

/** An app behind API Gateway (HTTP API, payload 2.0, where form bodies arrive in base64). */
export const httpHandler = (app: Hono<BrokerEnv>) => handle(app);
