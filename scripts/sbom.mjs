// Writes the software bill of materials, as CycloneDX: `npm run sbom [-- FILE]` (default dist/sbom.cdx.json). It has every package of
// package-lock.json, with its hash, its license and what it depends on, and asks no network. Packages that are not installed with Tutti have
// the property `cdx:npm:package:development`: the tools, and those that the page is built of, which contains parts of them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Enums, Models, Serialize, SPDX, Spec } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';

const root = fileURLToPath(new URL('..', import.meta.url));
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const INSIDE = 'node_modules/';
/** The only hash that npm records; a test holds the lock file to it. */
const HASH = 'sha512-';

/** Where Node.js finds what the package at `path` imports by this name. */
function found(path, name) {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf(`/${INSIDE}`)))) {
    const candidate = at === '' ? INSIDE + name : `${at}/${INSIDE}${name}`;
    if (candidate in packages) return candidate;
    if (at === '') return undefined;
  }
}

/** The packages that the package at `path` brings along. Peers and options may be absent. */
function dependenciesOf(path) {
  const { dependencies, optionalDependencies, peerDependencies, devDependencies } = packages[path];
  const names = Object.keys({
    ...dependencies,
    ...optionalDependencies,
    ...peerDependencies,
    ...devDependencies,
  });
  return names.map((name) => found(path, name)).filter((to) => to !== undefined);
}

function licensed(license) {
  if (license === undefined) return [];
  if (SPDX.isSupportedSpdxId(license)) return [new Models.SpdxLicense(license)];
  return [
    / (AND|OR|WITH) /.test(license)
      ? new Models.LicenseExpression(license)
      : new Models.NamedLicense(license),
  ];
}

function componentOf(path) {
  const { version, integrity, license, dev, optional } = packages[path];
  const whole = path === '' ? packages[''].name : path.slice(path.lastIndexOf(INSIDE) + INSIDE.length);
  const [name, group] = whole.split('/').reverse();
  const hash = integrity && Buffer.from(integrity.slice(HASH.length), 'base64').toString('hex');
  const kind = path === '' ? Enums.ComponentType.Application : Enums.ComponentType.Library;
  return new Models.Component(kind, name, {
    ...(group !== undefined && { group }),
    ...(!dev && { scope: optional ? Enums.ComponentScope.Optional : Enums.ComponentScope.Required }),
    ...{ version, bomRef: path === '' ? whole : path },
    purl: new PackageURL('npm', group, name, version).toString(),
    hashes: new Models.HashDictionary(hash ? [[Enums.HashAlgorithm['SHA-512'], hash]] : []),
    licenses: new Models.LicenseRepository(licensed(license)),
    properties: new Models.PropertyRepository(
      dev ? [new Models.Property('cdx:npm:package:development', 'true')] : [],
    ),
  });
}

const components = new Map(Object.keys(packages).map((path) => [path, componentOf(path)]));
for (const [path, component] of components)
  for (const to of dependenciesOf(path)) component.dependencies.add(components.get(to).bomRef);
const application = components.get('');
components.delete('');
const bom = new Models.Bom({
  metadata: new Models.Metadata({ component: application }),
  components: new Models.ComponentRepository(components.values()),
});
const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
const file = resolve(process.argv[2] ?? join(root, 'dist/sbom.cdx.json'));
mkdirSync(dirname(file), { recursive: true });
// Sorted, so that two of the same lock file are the same.
writeFileSync(file, serializer.serialize(bom, { sortLists: true, space: 2 }));
console.log(`${file}: ${components.size} packages`);
