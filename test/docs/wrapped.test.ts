/** Lines of the documents end at 100 characters, but for tables, code, and words that have no space to be broken at. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const WIDTH = 100;
const root = join(import.meta.dirname, '../..');
const files = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** Those that could have been broken earlier. */
function longLines(text: string): string[] {
  const prose = text.replace(/^( *)(```+|~~~+)[\s\S]*?^\1\2 *$/gm, '');
  return prose.split('\n').filter((line) => {
    if (line.length <= WIDTH || /^\s*[|<!]/.test(line)) return false;
    const [marker = ''] = /^\s*(?:(?:[-*+>]|#+|\d+\.) +)?/.exec(line) ?? [];
    const words = line.slice(marker.length).replace(/`[^`]*`/g, (code) => code.replaceAll(' ', '_'));
    return words.slice(0, WIDTH - marker.length).includes(' ');
  });
}

it.each(files)('%s is wrapped', (file) => {
  expect(longLines(readFileSync(join(root, file), 'utf8'))).toEqual([]);
});
