/** Words that a native engineer would not write stay out of everything that a person reads, and titles of tests stand alone. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const FOLDERS = [
  'bench',
  'deploy',
  'docs',
  'frontend-bridge',
  'nodes',
  'proto',
  'python',
  'scripts',
  'src',
  'test',
];
const SKIPPED = ['node_modules', 'generated', 'dist', 'cache', '__pycache__'];
const TEXT = /\.(tsx?|mjs|py|sh|c|md|proto|ya?ml|html|css)$/;

/** Each with words that it has to find, and words that it has to leave alone. */
const RULES: readonly { readonly pattern: RegExp; readonly bad: string; readonly good: string }[] = [
  { pattern: /\bwhoever\b/i, bad: 'Whoever asks', good: 'a caller' },
  {
    pattern: /(?<!\bthere )\b(?:is|are|was|were) no\b(?! (?:longer|more|less|\w+er)\b)/i,
    bad: 'x is no topic',
    good: 'there is no topic, it is no longer there, it was no slower',
  },
  { pattern: /\bany ?more(?=[.,;:!?)'"`]|$)/im, bad: 'it is not there any more.', good: 'any more bytes' },
];

/** The beginnings that only make sense behind the words of a `describe`. */
const DEPENDENT =
  /^(?:that|of|with|without|by|and|or|but|as|for|in|from|to|on|at|until|because|whose|which)\b/;
/** `it('…'`, and `it.each(…)('…'`, whose table may hold anything: the title is the text that the function follows. */
const TITLE = /\bit(?:\.\w+)*\(\s*(['"`])(.+?)\1,|\)\(\s*(['"`])(.+?)\3,\s*(?:\{[^}]*\},\s*)?(?:async )?\(/g;

const titlesOf = (text: string): string[] =>
  [...text.matchAll(TITLE)].map(([, , plain, , tabled]) => plain ?? tabled ?? '');

function textFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.includes(entry.name) ? [] : textFiles(path);
    return TEXT.test(entry.name) && path !== 'test/docs/wording.test.ts' ? [path] : [];
  });
}

/** Without the marks of comments, so that words which a line break separates stand beside each other. */
const flat = (text: string): string => text.replace(/\n[ \t]*(?:\*|\/\/|#|>)?[ \t]*(?=\S)/g, ' ');

const files = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...FOLDERS.flatMap((folder) => textFiles(folder)),
];
const tests = files.filter((file) => /\.(test|contract)\.ts$|-contract\.ts$/.test(basename(file)));

describe('the wording', () => {
  it('finds the files that it is about', () => {
    expect(files.length).toBeGreaterThan(500);
    expect(tests.length).toBeGreaterThan(200);
  });

  it.each(RULES)('tells $bad from $good', ({ pattern, bad, good }) => {
    expect([pattern.test(bad), pattern.test(good)]).toEqual([true, false]);
  });

  it('is plain English in every file', () => {
    const found = files.flatMap((file) => {
      const text = flat(readFileSync(join(root, file), 'utf8'));
      return RULES.flatMap(({ pattern }) =>
        [...text.matchAll(new RegExp(pattern, `${pattern.flags}g`))].map(
          ({ index }) => `${file}: …${text.slice(Math.max(0, index - 40), index + 40)}…`,
        ),
      );
    });
    expect(found).toEqual([]);
  });

  it('gives every test a title that stands alone', () => {
    const titles = tests.flatMap((file) =>
      titlesOf(readFileSync(join(root, file), 'utf8')).map((title) => ({ file, title })),
    );
    expect(titles.length).toBeGreaterThan(1_500);
    expect(
      titles.filter(({ title }) => DEPENDENT.test(title)).map(({ file, title }) => `${file}: ${title}`),
    ).toEqual([]);
  });
});
