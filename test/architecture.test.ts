/** The floors of the code, as `docs/architecture.md` draws them: imports go down only, siblings never know each other, no cycles. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What each room may import from, itself apart. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'src/base': [],
  'src/model': ['src/base'],
  'src/contract': ['src/base', 'src/model'],
  'src/scheduling': ['src/base', 'src/model'],
  'src/wire': ['src/base', 'src/model'],
  'src/bus': ['src/base', 'src/model'],
  'src/store': ['src/base', 'src/model'],
  'src/config': ['src/base', 'src/model'],
  'src/orchestrator': [
    'src/base',
    'src/model',
    'src/contract',
    'src/scheduling',
    'src/wire',
    'src/bus',
    'src/store',
  ],
  'src/sdk': ['src/base', 'src/model', 'src/wire', 'src/bus'],
  'src/client': ['src/base'],
  'frontend-bridge/gateway': [
    ...['src/base', 'src/model', 'src/contract', 'src/orchestrator/port.ts'],
    // What is declared in files and over HTTP alike has one form.
    'src/config/forms',
  ],
  'frontend-bridge/sustainml': ['src/base', 'src/model', 'src/orchestrator/port.ts'],
  'frontend-bridge/web': ['src/base/json', 'src/model', 'src/contract'],
  nodes: [],
  'src/node-kit': ['src/base', 'src/model', 'src/wire', 'src/bus'],
  'src/server': [
    ...['src/base', 'src/model', 'src/contract', 'src/wire', 'src/bus', 'src/store', 'src/config'],
    ...['src/orchestrator', 'frontend-bridge/gateway', 'frontend-bridge/sustainml'],
  ],
  'src/cli': [
    ...['src/base', 'src/model', 'src/contract', 'src/wire', 'src/bus', 'src/store', 'src/config'],
    'src/client',
    ...['src/node-kit', 'src/server'],
    // `tutti check`.
    'src/orchestrator/check/check.ts',
    // `tutti agent`.
    'nodes/agent/agent.ts',
  ],
  'src/index.ts': ['src/base', 'src/config', 'src/orchestrator'],
};

/** Packages that only one room may use: sockets, disk, HTTP and generated code have one door each. */
const ONE_DOOR: Readonly<Record<string, readonly string[]>> = {
  zeromq: ['src/bus'],
  lmdb: ['src/store'],
  pg: ['src/store'],
  'pg-connection-string': ['src/store'],
  fastify: ['frontend-bridge/gateway', 'frontend-bridge/sustainml'],
  'protobufjs/minimal.js': ['src/wire'],
  protobufjs: ['src/wire'],
  commander: ['src/cli'],
  'tar-stream': ['nodes/agent'],
};

/** What nodes may use besides the SDK and Node.js itself. */
const PACKAGES_OF_NODES: readonly string[] = ['tar-stream'];

interface Import {
  readonly from: string;
  /** A path in the repository, or a package's name. */
  readonly to: string;
  readonly typeOnly: boolean;
  readonly isDynamic: boolean;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return ['node_modules', 'generated', 'dist'].includes(entry.name) ? [] : sources(path);
    return /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

const IMPORT =
  /^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\s+from\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;

/** The file that an import of another one names. */
function sourceOf(file: string, target: string): string {
  const path = relative(root, resolve(root, dirname(file), target)).replace(/\.js$/, '.ts');
  return existsSync(join(root, `${path}x`)) ? `${path}x` : path;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(IMPORT)].map(([, type, stated, dynamic]) => {
    const target = stated ?? dynamic ?? '';
    return {
      from: file,
      to: target.startsWith('.') ? sourceOf(file, target) : target,
      typeOnly: type !== undefined,
      isDynamic: dynamic !== undefined,
    };
  });
}

const files = ['src', 'nodes', 'frontend-bridge'].flatMap(sources);
const imports = files.flatMap(importsOf);
const roomOf = (path: string): string | undefined =>
  Object.keys(MAY_IMPORT).find((room) => path === room || path.startsWith(`${room}/`));

interface Invariant {
  readonly file: string;
  readonly letter: string;
}

const HEADER = /^\s*(?:(?:\/\/|import)[^\n]*\n|\s)*\/\*\*[\s\S]*?\*\//;
const COMMENT = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;

/** The invariants that a file's header letters: ` * L1. The sentence.` */
function invariantsOf(file: string): Invariant[] {
  const [header = ''] = HEADER.exec(readFileSync(join(root, file), 'utf8')) ?? [];
  return [...header.matchAll(/^ \* ([A-Z]{1,2}\d{1,2})\. /gm)].map(([, letter]) => ({
    file,
    letter: letter!,
  }));
}

/** All comments of a file behind its header. */
function commentsOf(file: string): string {
  const text = readFileSync(join(root, file), 'utf8');
  return (text.slice(HEADER.exec(text)?.[0].length ?? 0).match(COMMENT) ?? []).join('\n');
}

describe('the architecture', () => {
  it('finds the code that it is about', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(imports.length).toBeGreaterThan(300);
  });

  it('has a floor for every file', () => {
    expect(files.filter((file) => roomOf(file) === undefined)).toEqual([]);
  });

  it('imports only from lower floors', () => {
    const broken = imports.filter(({ from, to }) => {
      const [here, there] = [roomOf(from), roomOf(to)];
      if (here === undefined || there === undefined || here === there) return false;
      return !MAY_IMPORT[here]!.some((allowed) => to === allowed || to.startsWith(`${allowed}/`));
    });
    expect(broken.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('lets nodes see nothing but the public entry of the SDK', () => {
    const broken = imports.filter(
      ({ from, to }) =>
        from.startsWith('nodes/') &&
        !to.startsWith('nodes/') &&
        !to.startsWith('node:') &&
        to !== 'tutti/sdk' &&
        !PACKAGES_OF_NODES.includes(to),
    );
    expect(broken.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('lets engines start programs only through a reach', () => {
    const starters = imports.filter(
      ({ from, to, typeOnly }) => from.startsWith('nodes/') && to === 'node:child_process' && !typeOnly,
    );
    expect([...new Set(starters.map(({ from }) => dirname(from)))]).toEqual(['nodes/agent/reach']);
  });

  it('keeps sockets, disk, HTTP and protobuf behind one door each', () => {
    const broken = imports.filter(
      ({ from, to }) =>
        ONE_DOOR[to] !== undefined && !ONE_DOOR[to].some((room) => from.startsWith(`${room}/`)),
    );
    expect(broken.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('loads OpenTelemetry only where a collector is configured', () => {
    const tracing = 'src/server/tracing.ts';
    const users = imports.filter(({ to, typeOnly }) => to.startsWith('@opentelemetry/') && !typeOnly);
    expect([...new Set(users.map(({ from }) => from))]).toEqual([tracing]);
    const loaders = imports.filter(({ to }) => to === tracing);
    expect(loaders.map(({ from, isDynamic }) => [from, isDynamic])).toEqual([['src/server/up.ts', true]]);
  });

  it('lets generated code out of its room nowhere', () => {
    const broken = imports.filter(
      ({ from, to }) => to.includes('/generated/') && !from.startsWith(to.slice(0, to.indexOf('generated/'))),
    );
    expect(broken).toEqual([]);
  });

  it('keeps the deterministic core free of clocks, randomness and I/O', () => {
    const pure = files.filter((file) => /^src\/(model|scheduling|orchestrator\/core)\//.test(file));
    const tainted = pure.filter((file) => {
      const text = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      const allowed = text.replace(/import \{ timingSafeEqual \} from 'node:crypto';/, '');
      return /Date\.now|performance\.|Math\.random|setTimeout|setInterval|process\.|'node:|new Date\(\)/.test(
        allowed,
      );
    });
    expect(pure.length).toBeGreaterThan(20);
    expect(tainted).toEqual([]);
  });

  it('has no cycles, imports of types included', () => {
    const edges = new Map<string, string[]>();
    for (const { from, to } of imports) edges.set(from, [...(edges.get(from) ?? []), to]);
    const done = new Set<string>();
    const walk = (file: string, path: readonly string[]): string[] => {
      if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
      if (done.has(file)) return [];
      for (const next of edges.get(file) ?? []) {
        const cycle = walk(next, [...path, file]);
        if (cycle.length > 0) return cycle;
      }
      done.add(file);
      return [];
    };
    const cycles = files.map((file) => walk(file, [])).filter((cycle) => cycle.length > 0);
    expect(cycles).toEqual([]);
  });

  it('decodes rows by their tables only, which know the type', () => {
    const users = files.filter((file) => /\bdecodeRow\b/.test(readFileSync(join(root, file), 'utf8')));
    expect(users.sort()).toEqual([
      'src/orchestrator/tables/row.ts',
      'src/orchestrator/tables/summary.ts',
      'src/orchestrator/tables/tables.ts',
    ]);
  });

  it('cites every lettered invariant where the code upholds it', () => {
    const invariants = files.flatMap(invariantsOf);
    const comments = new Map(files.map((file) => [file, commentsOf(file)]));
    const elsewhere = [...comments.values()].join('\n');
    const uncited = invariants.filter(({ file, letter }) => {
      const isCitedHere = new RegExp(`\\b${letter}\\b`).test(comments.get(file)!);
      // Another file names the one that states it: `L3 of loop.ts`.
      return !isCitedHere && !elsewhere.includes(`${letter} of \`${basename(file)}\``);
    });
    expect(invariants.length).toBeGreaterThan(200);
    expect(uncited.map(({ file, letter }) => `${letter} of ${file}`)).toEqual([]);
  });
});
