/** `docs/api.md` lists every kind of event with its fields, as the sources declare them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EVENT_TYPES, FACTS, SUBJECTS } from '../../src/model/facts.js';

const page = readFileSync(fileURLToPath(new URL('../../docs/api.md', import.meta.url)), 'utf8');
const rows = page
  .slice(page.indexOf('\n## Events'))
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split('|').map((cell) => cell.trim()));

/** `graph client?`, as the page writes fields. */
function written(fields: Readonly<Record<string, string>>): string {
  const names = Object.entries(fields).map(([name, word]) => (word.endsWith('?') ? `${name}?` : name));
  return names.length === 0 ? '' : `\`${names.join(' ')}\``;
}

describe('the events in docs/api.md', () => {
  const documented = new Map(
    rows.flatMap(([, types = '', about, fields]) =>
      [...types.matchAll(/`([a-z]+\.[a-z_]+)`/g)].map(([, type]) => [type, `${about} | ${fields}`] as const),
    ),
  );

  it('are those that there are, with their fields', () => {
    const declared = EVENT_TYPES.map(
      (type) => [type, `${FACTS[type].about} | ${written(FACTS[type].shown)}`] as const,
    );
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(declared));
  });

  it('are about what they are about', () => {
    const subjects = Object.entries(SUBJECTS).filter(([name]) => name !== 'nothing');
    for (const [name, fields] of subjects)
      expect(rows.map((cells) => cells.slice(1, 3))).toContainEqual([name, written(fields)]);
  });
});
