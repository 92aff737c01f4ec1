/** The docs as a site: no page that is not in its menu, no link and no anchor that leads nowhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const DOCS = join(ROOT, 'docs');
const PAGES = readdirSync(DOCS).filter((name) => name.endsWith('.md'));

/** As VitePress and GitHub both name the anchors of plain headings. */
function anchorsOf(file: string): Set<string> {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  );
}

describe('the site of the docs', () => {
  it('has every page in its menu', () => {
    const config = readFileSync(join(DOCS, '.vitepress/config.ts'), 'utf8');
    const listed = [...config.matchAll(/page\('[^']+', '([^']*)'\)/g)].map(([, name]) => name || 'index');
    expect(listed.sort()).toEqual(PAGES.map((name) => name.replace(/\.md$/, '')).sort());
  });

  it('has no link that leads nowhere', () => {
    const files = [
      ...PAGES.map((name) => join(DOCS, name)),
      join(ROOT, 'README.md'),
      join(ROOT, 'CONTRIBUTING.md'),
      join(ROOT, 'SECURITY.md'),
    ];
    const dead = files.flatMap((file) => {
      const text = readFileSync(file, 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
      return [...text.matchAll(/(?<!!)\[[^\]]+\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^(https?:|mailto:)/.test(target))
        .filter((target) => {
          const [path = '', anchor] = target.split('#');
          const to = path === '' ? file : join(dirname(file), path);
          if (!existsSync(to)) return true;
          return anchor !== undefined && to.endsWith('.md') && !anchorsOf(to).has(anchor);
        })
        .map((target) => `${file.slice(ROOT.length + 1)}: ${target}`);
    });
    expect(dead).toEqual([]);
  });

  it('takes each picture of the tutorial anew', () => {
    const shown = [...readFileSync(join(DOCS, 'tutorial.md'), 'utf8').matchAll(/\]\(\/([a-z]+)\.png\)/g)];
    const taken = [
      ...readFileSync(join(ROOT, 'scripts/docs.mjs'), 'utf8').matchAll(/await picture\('([a-z]+)'/g),
    ];
    expect(shown.map(([, name]) => name)).toEqual(taken.map(([, name]) => name));
  });
});
