/** `npm run bench`: figures as ratios against a stated floor, side by side in one run; never part of pass or fail. */
import { cpus } from 'node:os';
import { benchBundles } from './bundles.ts';
import { benchColdStart } from './cold-start.ts';
import { benchDeployment } from './deployment/deployment.ts';
import { benchGateway } from './gateway/gateway.ts';
import { benchHerd } from './herd.ts';
import { benchHotPath } from './hot-path.ts';
import { benchJourney } from './journey.ts';
import { benchLargeMessage } from './relay/large-message.ts';
import { benchManyMessages } from './relay/many-messages.ts';
import { benchSweep } from './sweep.ts';
import { benchWarmFetch } from './warm-fetch.ts';

console.log(`Node ${process.versions.node}, ${cpus().length} cores`);
await benchHotPath();
await benchColdStart();
await benchWarmFetch();
await benchJourney();
await benchBundles();
await benchDeployment();
await benchHerd();
await benchSweep();
await benchLargeMessage();
await benchManyMessages();
await benchGateway();
