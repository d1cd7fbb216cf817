/** `npm run bench`: figures as ratios against a stated floor, side by side in one run; never part of pass or fail. */
import { cpus } from 'node:os';
import { benchBundles } from './bundles.ts';
import { benchJourney } from './journey.ts';
import { benchWarmFetch } from './warm-fetch.ts';

console.log(`Node ${process.versions.node}, ${cpus().length} cores`);
await benchWarmFetch();
await benchJourney();
await benchBundles();
