/** Values of labels come from closed lists: one series for each combination is kept for ever. */
export type Labels = Readonly<Record<string, string>>;

/** One metric with all its series, in Prometheus' text format, version 0.0.4. */
export interface Family {
  render(): string;
}

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');

const labelled = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
};

const number = (value: number): string => (Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : 'NaN');

const family = (
  { name, help }: { readonly name: string; readonly help: string },
  type: 'counter' | 'gauge' | 'histogram',
  lines: readonly (readonly [nameAndLabels: string, value: number])[],
): string => {
  const head = `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
  return `${head}${lines.map(([series, value]) => `${series} ${number(value)}\n`).join('')}`;
};

export interface Counter<Series extends Labels> extends Family {
  add(labels: Series): void;
}

/** `series`: those that are there from the start, so that the first event is a rise, which an alarm can see. */
export const counter = <Series extends Labels>(
  name: string,
  help: string,
  series: readonly Series[] = [],
): Counter<Series> => {
  const counts = new Map<string, number>(series.map((labels) => [labelled(labels), 0]));
  return {
    add(labels) {
      const key = labelled(labels);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    render: () =>
      family(
        { name, help },
        'counter',
        [...counts].map(([labels, count]) => [`${name}${labels}`, count]),
      ),
  };
};

export const gauge = (
  name: string,
  help: string,
  series: readonly (readonly [labels: Labels, value: number])[],
): Family => ({
  render: () =>
    family(
      { name, help },
      'gauge',
      series.map(([labels, value]) => [`${name}${labelled(labels)}`, value]),
    ),
});

export interface Histogram extends Family {
  observe(value: number): void;
}

/** `bounds`: upper ones, rising; the last bucket, without a bound, is added. */
export const histogram = (name: string, help: string, bounds: readonly number[]): Histogram => {
  const within = bounds.map(() => 0);
  let count = 0;
  let sum = 0;
  return {
    observe(value) {
      count++;
      sum += value;
      bounds.forEach((bound, index) => {
        if (value <= bound) within[index] = (within[index] ?? 0) + 1;
      });
    },
    render: () =>
      family({ name, help }, 'histogram', [
        ...bounds.map((bound, index) => [`${name}_bucket{le="${bound}"}`, within[index] ?? 0] as const),
        [`${name}_bucket{le="+Inf"}`, count],
        [`${name}_sum`, sum],
        [`${name}_count`, count],
      ]),
  };
};
