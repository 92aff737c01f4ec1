/**
 * The service template with those that it imports, each read once.
 *
 * I1. Only files beside the template are imported: no URL, no repository, and nothing outside of its folder.
 */
import { show } from '../../faults.js';
import { isRecord, type ReadYaml } from '../../yaml/yaml.js';
import { resolvePath } from './paths.js';
import { type At, fileOf, type Given, type InFile, type Report } from './report.js';

export const VERSION = 'tosca_definitions_version';
const SUPPORTED = 'tosca_simple_yaml_1_3';
/** Each is a file to be read. */
const MAX_IMPORTS = 100;
/** Of one kind. Each may derive from all others, and copies what it derives from. */
const MAX_TYPES = 300;

const IMPORTED = [
  VERSION,
  'description',
  'metadata',
  'namespace',
  'dsl_definitions',
  'imports',
  'node_types',
  'relationship_types',
  'capability_types',
] as const;
const FIELDS = [...IMPORTED, 'topology_template'];

/** Definitions of one kind, of all files, by name. */
export type Definitions = ReadonlyMap<string, { readonly value: unknown; readonly at: At }>;
const KINDS = ['node_types', 'relationship_types', 'capability_types'] as const;
export type Kind = (typeof KINDS)[number];

interface Document {
  readonly at: readonly InFile[];
  readonly value: Given;
}

/** The content of an imported file as YAML, or why there is none. */
export type ReadFile = (
  path: string,
) => Promise<
  | { readonly ok: true; readonly read: ReadYaml }
  | { readonly ok: false; readonly code: string; readonly message: string }
>;

export class Templates {
  /** By path of an imported file, where it is imported first. */
  readonly imported: ReadonlyMap<string, At>;
  readonly #definitions: ReadonlyMap<Kind, Definitions>;

  private constructor(definitions: ReadonlyMap<Kind, Definitions>, imported: ReadonlyMap<string, At>) {
    this.#definitions = definitions;
    this.imported = imported;
  }

  /** `mainFile`: the template's own path, from the root. */
  static async read(main: Given, mainFile: string, readFile: ReadFile, report: Report): Promise<Templates> {
    checkVersion(main, [], report);
    report.fields(main, [], FIELDS);
    const documents: Document[] = [{ at: [], value: main }];
    const imported = new Map<string, At>();
    // The list grows while it is read.
    for (const { value, at } of documents) {
      for (const { path, place } of importsOf(value, at, mainFile, report)) {
        if (imported.has(path)) continue;
        if (imported.size === MAX_IMPORTS) {
          report.add(place, 'out_of_range', `at most ${MAX_IMPORTS} files are imported`);
          break;
        }
        imported.set(path, place);
        const document = await readImport(path, place, readFile, report);
        if (document) documents.push(document);
      }
    }
    const definitions = new Map(KINDS.map((kind) => [kind, definitionsOf(kind, documents, report)]));
    return new Templates(definitions, imported);
  }

  definitions(kind: Kind): Definitions {
    return this.#definitions.get(kind)!;
  }
}

function definitionsOf(kind: Kind, documents: readonly Document[], report: Report): Definitions {
  const all = new Map<string, { value: unknown; at: At }>();
  for (const { value, at } of documents) {
    const place = [...at, kind];
    for (const [name, one] of Object.entries(report.record(value[kind], place))) {
      const here = [...place, name];
      if (all.has(name)) report.add(here, 'duplicate', `${name} is defined in another file as well`);
      else all.set(name, { value: one, at: here });
    }
  }
  if (all.size > MAX_TYPES)
    report.add([kind], 'out_of_range', `${all.size} are too many: give at most ${MAX_TYPES}`);
  return all;
}

export function isTemplate(value: unknown): value is Given {
  return isRecord(value) && Object.hasOwn(value, VERSION);
}

function checkVersion(template: Given, at: At, report: Report): void {
  if (template[VERSION] !== SUPPORTED)
    report.unsupported([...at, VERSION], `${show(template[VERSION])} is not supported: give ${SUPPORTED}`);
}

function importsOf(
  { imports }: Given,
  at: At,
  mainFile: string,
  report: Report,
): { readonly path: string; readonly place: At }[] {
  return report.list(imports, [...at, 'imports']).flatMap((one, index) => {
    const place = [...at, 'imports', index];
    const given = isRecord(one) ? report.fields(one, place, ['file']).file : one;
    const file = report.text(given, place, 'the path of a file beside the template');
    if (file === undefined) return [];
    // I1
    if (/^[a-z][a-z0-9+.-]*:/i.test(file)) {
      report.unsupported(place, `${show(file)} is not a file beside the template: copy it there`);
      return [];
    }
    const path = resolvePath(file, fileOf(at) ?? mainFile);
    if (path !== undefined) return [{ path, place }];
    report.add(place, 'bad_path', `${show(file)} leads out of the folder of the template`);
    return [];
  });
}

async function readImport(
  path: string,
  place: At,
  readFile: ReadFile,
  report: Report,
): Promise<Document | undefined> {
  const content = await readFile(path);
  if (!content.ok) {
    report.add(place, content.code, content.message);
    return undefined;
  }
  const { read } = content;
  const at = [{ file: path }];
  if (!read.ok) {
    for (const { code, message } of read.faults) report.add(at, code, message);
    return undefined;
  }
  const value = report.fields(read.value, at, IMPORTED);
  checkVersion(value, at, report);
  return { at, value };
}
