/** The stand-ins as a process of their own, for tests that kill it. Options as JSON in the only argument. */
import { type StandInsOptions, startStandIns } from '../../local/stand-ins/start.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as StandInsOptions;
const { providers, inboxUrl } = await startStandIns(options);
console.log(JSON.stringify({ providers, inboxUrl }));
