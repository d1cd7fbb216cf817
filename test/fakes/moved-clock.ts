/**
 * Preloaded into a function (`--import`): its time is as many milliseconds ahead as the file says that
 * `MOVED_CLOCK_FILE` names, whenever it asks.
 */
import { readFileSync } from 'node:fs';

const file = process.env.MOVED_CLOCK_FILE ?? '';
const realNow = Date.now;

Date.now = () => realNow() + Number(readFileSync(file, 'utf8'));
