import { parentPort, workerData } from 'node:worker_threads';
import { type Simulation, simulate } from './simulate.ts';

parentPort?.postMessage(await simulate(workerData as Simulation));
