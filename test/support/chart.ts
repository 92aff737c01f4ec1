/** Renders the Helm chart with the template engine and the functions that Helm is built on, as Debian has them. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');
const CHART = join(ROOT, 'deploy/helm/tutti');
/** Where Debian's packages have Go's libraries. */
const GO_LIBRARIES = '/usr/share/gocode';

export const hasGo: boolean =
  existsSync('/usr/bin/go') && existsSync(`${GO_LIBRARIES}/src/github.com/Masterminds/sprig`);

// biome-ignore lint/suspicious/noExplicitAny: an object of Kubernetes; the tests look at its parts.
export type Resource = any;
export type Values = Readonly<Record<string, unknown>>;

const yamlOf = <T>(path: string): T => parse(readFileSync(join(CHART, path), 'utf8')) as T;

export const chart: { readonly name: string; readonly version: string; readonly appVersion: string } =
  yamlOf('Chart.yaml');
export const valuesSchema: object = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8'));
/** What holds without values of one's own, and values that use everything. */
export const values: { readonly defaults: Values; readonly full: Values } = {
  defaults: yamlOf('values.yaml'),
  full: merged(yamlOf('values.yaml'), yamlOf('ci/full-values.yaml')),
};

export class ChartRenderer {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async build(): Promise<ChartRenderer> {
    const folder = await mkdtemp(join(tmpdir(), 'tutti-chart-'));
    const env = { ...process.env, GO111MODULE: 'off', GOPATH: GO_LIBRARIES, CGO_ENABLED: '0' };
    const source = join(ROOT, 'test/support/helm/main.go');
    await promisify(execFile)('go', ['build', '-o', join(folder, 'render'), source], { env });
    return new ChartRenderer(folder);
  }

  remove(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }

  /** All objects of a release `tutti`. */
  render(given: Values): Resource[] {
    const { name, version, appVersion } = chart;
    const data = {
      Values: given,
      Chart: { Name: name, Version: version, AppVersion: appVersion },
      Release: { Name: 'tutti', Namespace: 'default', Service: 'Helm' },
    };
    const { status, stdout, stderr } = spawnSync(join(this.#folder, 'render'), [CHART], {
      input: JSON.stringify(data),
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
    const texts = Object.entries(JSON.parse(stdout) as Record<string, string>);
    return texts
      .filter(([file]) => file.endsWith('.yaml'))
      .flatMap(([, text]) => parseAllDocuments(text, { strict: true }))
      .map((document) => {
        for (const error of document.errors) throw error;
        return document.toJS() as Resource;
      })
      .filter((resource) => resource !== null);
  }
}

/** As Helm lays values over those of the chart: objects by their members, anything else as a whole. */
function merged(below: Values, above: Values): Values {
  const isObject = (value: unknown): value is Values =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const all = { ...below };
  for (const [name, value] of Object.entries(above)) {
    const before = all[name];
    all[name] = isObject(before) && isObject(value) ? merged(before, value) : value;
  }
  return all;
}
