/** Lines of the documents end at 100 characters, except in tables, in code and in long words, and tables are whole. */
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

/** Lines that break a table: a first row without a rule below it, a row with too few or too many cells, text directly below. */
function brokenRows(text: string): string[] {
  const lines = text.replace(/^( *)(```+|~~~+)[\s\S]*?^\1\2 *$/gm, '').split('\n');
  const isRow = (line = ''): boolean => /^\s*\|/.test(line);
  const cellsOf = (line = ''): number => line.replaceAll('\\|', '').split('|').length;
  return lines.filter((line, at) => {
    const above = lines.slice(0, at).findLastIndex((other) => !isRow(other)) + 1;
    if (above === at) return isRow(line) && !/^\s*\|(?:-+\|)+$/.test(lines[at + 1] ?? '');
    return isRow(line) ? cellsOf(line) !== cellsOf(lines[above]) : line.trim() !== '' && isRow(lines[at - 1]);
  });
}

it('a broken row of a table is recognised', () => {
  const table = '| a | b |\n|---|---|\n| 1 | `x \\| y` |\n';
  expect(brokenRows(`${table}\ntext`)).toEqual([]);
  expect(brokenRows(`${table}text`)).toEqual(['text']);
  expect(brokenRows(`${table}| 1 | 2 | 3 |\n`)).toEqual(['| 1 | 2 | 3 |']);
  expect(brokenRows(`${table}\n| 3 | 4 |\n`)).toEqual(['| 3 | 4 |']);
});

it.each(files)('%s has whole tables', (file) => {
  expect(brokenRows(readFileSync(join(root, file), 'utf8'))).toEqual([]);
});
