import { readFileSync } from 'node:fs';

/** One fenced block of a page. */
interface Block {
  /** `sh`, `ini` …; empty where the fence names none. */
  readonly language: string;
  /** Where its text goes, if the paragraph above ends by naming a file: `~/.msmtprc`. */
  readonly file: string | undefined;
  readonly text: string;
}

export interface Recipe {
  /** Configuration files by path below the home folder. */
  readonly files: Readonly<Record<string, string>>;
  /** The `sh` blocks, in order. */
  readonly commands: readonly string[];
  readonly blocks: readonly Block[];
}

const textOf = (page: string): string => readFileSync(new URL(`../../../docs/${page}`, import.meta.url), 'utf8');

const FENCED = /([^\n]*)\n\n```(\w*)\n([\s\S]*?)^```$/gm;

const blocksOf = (section: string): readonly Block[] =>
  [...section.matchAll(FENCED)].map(([, above = '', language = '', text = '']) => ({
    language,
    file: /`~\/([\w./-]+)`[^`]*:$/.exec(above)?.[1],
    text,
  }));

/** What a reader of a section puts into files and types, with their own values in place of the page's. */
export const recipe = (title: string, values: Readonly<Record<string, string>>, page = 'integrate.md'): Recipe => {
  const section = textOf(page)
    .split(/^## /m)
    .find((text) => text.startsWith(`${title}\n`));
  if (section === undefined) throw new Error(`docs/${page} has no section "${title}"`);
  const blocks = blocksOf(section).map((block) => ({ ...block, text: filledIn(block.text, values) }));
  const left = /\b(?:example\.org|office\.example|CLIENT_\w+|REFRESH_TOKEN|DEVICE_CODE|SCOPE)\b/.exec(
    blocks.map(({ text }) => text).join(),
  );
  if (left !== null) throw new Error(`nothing is put in for ${left[0]} in "${title}"`);
  return {
    files: Object.fromEntries(blocks.flatMap(({ file, text }) => (file === undefined ? [] : [[file, text]]))),
    commands: blocks.filter(({ language }) => language === 'sh').map(({ text }) => text),
    blocks,
  };
};

/** In one pass: what is put in may look like another placeholder. */
const filledIn = (text: string, values: Readonly<Record<string, string>>): string => {
  const placeholders = Object.keys(values).map((placeholder) => placeholder.replaceAll('.', '\\.'));
  return text.replace(new RegExp(placeholders.join('|'), 'g'), (placeholder) => values[placeholder] ?? placeholder);
};
