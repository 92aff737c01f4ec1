/** What is installed: only what the lock file has the hashes of, with the install scripts that SECURITY.md names, and all of it in the SBOM. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

interface Package {
  readonly version: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, Package>;
};
const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
const nameOf = (path: string): string =>
  path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

it('every package has a strong hash, and comes from no registry but the public one', () => {
  expect(packages.length).toBeGreaterThan(100);
  for (const [path, { integrity, resolved, link }] of packages) {
    expect(integrity, path).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
    expect(resolved ?? 'https://registry.npmjs.org/', path).toMatch(/^https:\/\/registry\.npmjs\.org\//);
    expect(link, path).toBeUndefined();
  }
});

it('only the packages that SECURITY.md names run a script when they are installed', () => {
  const [, product = '', tools = ''] =
    /^- Only these packages run a script[^:]*:\s+([^.]*), and\s+of\s+the\s+tools ([^.]*)\.$/m.exec(
      readFileSync(join(ROOT, 'SECURITY.md'), 'utf8'),
    ) ?? [];
  const named = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
  const scripted = packages.filter(([, { hasInstallScript }]) => hasInstallScript);
  const names = (dev: boolean): string[] =>
    scripted.filter(([, one]) => (one.dev ?? false) === dev).map(([path]) => nameOf(path));
  expect(names(false).sort()).toEqual(named(product));
  expect(names(true).sort()).toEqual(named(tools));
});

it('the SBOM has every package of the lock file, with its hash and what it depends on', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-sbom-'));
  try {
    const file = join(folder, 'new', 'sbom.json');
    execFileSync(process.execPath, [join(ROOT, 'scripts/sbom.mjs'), file]);
    const bom = JSON.parse(readFileSync(file, 'utf8'));
    expect(bom).toMatchObject({
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      metadata: { component: { name: 'tutti' } },
    });
    const listed = bom.components.map(
      // biome-ignore lint/suspicious/noExplicitAny: CycloneDX
      (one: any) =>
        `${decodeURIComponent(one.purl)} ${one['bom-ref']} ${one.hashes[0].alg} ${one.hashes[0].content} ${one.properties?.[0]?.name}`,
    );
    const expected = packages.map(([path, { version, integrity = '', dev }]) => {
      const hash = Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex');
      const property = dev ? 'cdx:npm:package:development' : undefined;
      return `pkg:npm/${nameOf(path)}@${version} ${path} SHA-512 ${hash} ${property}`;
    });
    expect(listed.sort()).toEqual(expected.sort());
    // biome-ignore lint/suspicious/noExplicitAny: CycloneDX
    const dependsOn = (ref: string) => bom.dependencies.find((one: any) => one.ref === ref).dependsOn;
    expect(dependsOn('tutti')).toContain('node_modules/zeromq');
    // The nearest one, as Node.js finds it.
    expect(dependsOn('node_modules/zeromq')).toContain('node_modules/zeromq/node_modules/node-addon-api');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
