/** Every code that the sources give an error is documented. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { REFUSALS } from '../../src/model/protocol.js';
import { WAITING_CODES } from '../../src/model/waiting.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Zod's name for an issue that a check of ours raises; the fault that comes of it has a code of its own. And why modules wait, in docs/api.md. */
const NOT_OURS: readonly string[] = ['custom', ...WAITING_CODES];

/** The ways in which the sources name a code. */
const CODES = [
  /(?:Tutti|Input|NonRetryable|Client)Error\(\s*'([a-z_]+)'/g,
  /CliError\(\s*EXIT\.\w+,\s*'([a-z_]+)'/g,
  /refusal\(\s*'[a-z_]+',\s*'([a-z_]+)'/g,
  /(?:unavailable|notFound)\(\s*'([a-z_]+)'/g,
  /\bcode: '([a-z_]+)'/g,
  /(?:Tutti|NonRetryable|Reported|Client)Error\(\s*"([a-z_]+)"/g,
];

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'generated' || entry.name === 'web' ? [] : sources(path);
    return /\.(ts|py)$/.test(entry.name) ? [path] : [];
  });
}

describe('docs/errors.md', () => {
  const documented =
    readFileSync(join(root, 'docs/errors.md'), 'utf8') +
    readFileSync(join(root, 'nodes/sustainml/README.md'), 'utf8');

  it('lists every code of the sources', () => {
    const codes = new Map<string, string>();
    const folders = ['src', 'frontend-bridge/gateway', 'nodes', 'python/src', 'python/sustainml/src'];
    for (const file of folders.flatMap(sources)) {
      const text = readFileSync(join(root, file), 'utf8');
      for (const pattern of CODES) for (const [, code] of text.matchAll(pattern)) codes.set(code!, file);
    }
    expect(codes.size).toBeGreaterThan(60);
    const missing = [...codes].filter(
      ([code]) => !NOT_OURS.includes(code) && !documented.includes(`\`${code}\``),
    );
    expect(missing.map(([code, file]) => `${code} (${file})`)).toEqual([]);
  });

  it('leaves the reasons of modules that wait to docs/api.md, which lists all of them', () => {
    const api = readFileSync(join(root, 'docs/api.md'), 'utf8');
    expect(WAITING_CODES.filter((code) => !api.includes(`| \`${code}\` |`))).toEqual([]);
  });

  it('lists every refusal of frames, and so does the page for authors of SDKs', () => {
    const protocol = readFileSync(join(root, 'docs/node-protocol.md'), 'utf8');
    for (const page of [documented, protocol])
      expect(Object.keys(REFUSALS).filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });
});
