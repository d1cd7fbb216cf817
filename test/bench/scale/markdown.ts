/** A table with figures to the right. */
export const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string => {
  const aligned = heads.map((_, index) => (index === 0 ? '---' : '---:'));
  return [heads, aligned, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
};

/** As many digits as mean something: 0.0032, 0.28, 27.9, 2,790; what is whole stays so. */
export const figure = (value: number): string => {
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en');
  if (value >= 10) return value.toFixed(1);
  return value >= 0.1 ? value.toFixed(2) : value.toPrecision(2);
};

export const whole = (value: number): string => Math.round(value).toLocaleString('en');

/** Millions, for units. */
export const millions = (value: number): string => `${figure(value / 1e6)} M`;

export const dollars = (value: number): string => (value >= 100 ? `$${whole(value)}` : `$${value.toFixed(2)}`);

export const times = (value: number): string => value.toFixed(2);
