import { rateOf } from './month.ts';
import type { SimulatedRun } from './simulate.ts';
import { MINUTES_OF_DAY } from './tally.ts';

const WIDTH = 960;
const HEIGHT = 420;
const FRAME = { left: 60, right: 20, top: 60, bottom: 50 };
const DAYS = 7;
const WINDOW_MINUTES = 30;
/** Times the mean. The first half hour, when everything is caught up, goes beyond and is cut off. */
const TOP = 2;
/** The office hour in which it begins. */
const FIRST_HOUR = 9;

/** Dark enough on white, and told apart by those who do not see all colours (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#007a5a'] as const;

const x = (minute: number): number =>
  FRAME.left + (minute / (DAYS * MINUTES_OF_DAY)) * (WIDTH - FRAME.left - FRAME.right);
const y = (times: number): number =>
  HEIGHT - FRAME.bottom - (Math.min(times, TOP) / TOP) * (HEIGHT - FRAME.top - FRAME.bottom);

const text = (left: number, top: number, words: string, attributes = ''): string =>
  `<text x="${left.toFixed(1)}" y="${top.toFixed(1)}" ${attributes}>${words}</text>`;

const line = (from: readonly [number, number], to: readonly [number, number], attributes: string): string =>
  `<line x1="${from[0].toFixed(1)}" y1="${from[1].toFixed(1)}" x2="${to[0].toFixed(1)}" y2="${to[1].toFixed(1)}" ${attributes}/>`;

const curve = ({ callsByMinute }: SimulatedRun, colour: string): string => {
  const { mean } = rateOf(callsByMinute, 1);
  const points: string[] = [];
  const last = Math.min(callsByMinute.length, DAYS * MINUTES_OF_DAY);
  for (let minute = 0; minute + WINDOW_MINUTES <= last; minute += WINDOW_MINUTES) {
    const sum = callsByMinute.subarray(minute, minute + WINDOW_MINUTES).reduce((all, one) => all + one, 0);
    const times = sum / WINDOW_MINUTES / 60 / mean;
    points.push(`${x(minute + WINDOW_MINUTES / 2).toFixed(1)},${y(times).toFixed(1)}`);
  }
  return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
};

const grid = (target: number): readonly string[] => [
  ...[0, 0.5, 1, 1.5, 2].flatMap((times) => [
    line([FRAME.left, y(times)], [WIDTH - FRAME.right, y(times)], 'stroke="#ddd"'),
    text(FRAME.left - 8, y(times) + 4, String(times), 'text-anchor="end"'),
  ]),
  line([FRAME.left, y(target)], [WIDTH - FRAME.right, y(target)], 'stroke="#666" stroke-dasharray="6 4"'),
  text(WIDTH - FRAME.right, y(target) - 6, `target for the peak: ${target}`, 'text-anchor="end" fill="#444"'),
  ...['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].map((day, index) =>
    text(x(index * MINUTES_OF_DAY), HEIGHT - FRAME.bottom + 20, `${day} ${FIRST_HOUR}:00`),
  ),
];

/** Calls to the providers over the first week, one line a fleet, each as a multiple of its own mean. */
export const plotOf = (runs: readonly SimulatedRun[], target: number): string => {
  const title = 'Calls to the providers over the first week, as a multiple of the steady mean (means of 30 minutes)';
  const legend = runs.map(({ mailboxes, days }, index) => {
    const shown = days < DAYS ? ` (${days} days)` : '';
    const words = `${mailboxes.toLocaleString('en')} mailboxes${shown}`;
    return text(FRAME.left + index * 260, 46, words, `fill="${COLOURS[index % COLOURS.length]}" font-weight="bold"`);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}" font-family="sans-serif" font-size="13">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(FRAME.left, 22, title, 'font-size="15"'),
    ...legend,
    ...grid(target),
    ...runs.map((run, index) => curve(run, COLOURS[index % COLOURS.length] ?? '#000')),
    text(
      FRAME.left,
      HEIGHT - 8,
      'The start, with every token dead, goes beyond the top; see docs/scale.md.',
      'fill="#444"',
    ),
    '</svg>',
    '',
  ].join('\n');
};
