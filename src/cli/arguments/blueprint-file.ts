/** The file that `tutti deploy` and the like are given, made ready to be sent: a blueprint or a template with its files, or an archive. */
import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { decodeText } from '../../base/decode-text.js';
import { messageOf } from '../../base/errors.js';
import { readBlueprint } from '../../config/blueprint/deployable.js';
import { type FileBeside, filesBeside, hashesOf } from '../../config/graph/graph-files.js';
import { readYaml } from '../../config/yaml/yaml.js';
import type { Blueprint } from '../../model/blueprint.js';
import type { Beside, BlueprintSource, Content, ReadBlueprint } from '../../model/blueprint-source.js';
import { MAX_GRAPH_BYTES } from '../../model/graph.js';
import { fileAtFault, noSuchFile } from './named-file.js';

export interface BlueprintFile {
  readonly blueprint: Blueprint;
  /** Of a request: the blueprint with the hashes of its files, or the hash of the archive. */
  readonly body:
    | { readonly blueprint: string; readonly files: Readonly<Record<string, string>> }
    | { readonly csar: string };
  /** To be uploaded first. */
  readonly files: readonly FileBeside[];
}

/** More in one folder are not a part of a template. */
const MAX_FILES = 5_000;

/** Throws `bad_blueprint` with every fault. */
export async function readBlueprintFile(file: string): Promise<BlueprintFile> {
  let bytes: Buffer;
  let yaml: string | undefined;
  try {
    bytes = await readFile(file);
    yaml = isArchive(file, bytes) ? undefined : decodeText(bytes);
  } catch (cause) {
    throw noSuchFile('FILE', cause);
  }
  return yaml === undefined ? ofArchive(file, bytes) : ofYaml(file, yaml);
}

function isArchive(file: string, bytes: Buffer): boolean {
  return bytes.subarray(0, 2).toString() === 'PK' || /\.(csar|zip)$/i.test(file);
}

async function ofArchive(file: string, bytes: Buffer): Promise<BlueprintFile> {
  const { blueprint } = await read(file, { kind: 'csar', bytes });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { blueprint, body: { csar: sha256 }, files: [{ path: file, file, sha256 }] };
}

async function ofYaml(file: string, yaml: string): Promise<BlueprintFile> {
  const folder = await realpath(dirname(file));
  const { blueprint, files: named } = await read(file, { kind: 'yaml', yaml, beside: new InFolder(folder) });
  const beside = await filesBeside(file, named);
  if (!beside.ok) throw fileAtFault('bad_blueprint', file, beside.faults);
  return { blueprint, body: { blueprint: yaml, files: hashesOf(beside.files) }, files: beside.files };
}

async function read(
  file: string,
  content: BlueprintSource['content'],
): Promise<Extract<ReadBlueprint, { ok: true }>> {
  const read = await readBlueprint(
    { content },
    { readYaml: async (text, path = file) => readYaml(text, { file: path }), places: true },
  );
  if (!read.ok) throw fileAtFault('bad_blueprint', file, read.faults);
  return read;
}

/** The files below a folder; those that lead out of it are as good as not there. */
class InFolder implements Beside {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(path: string): Promise<Content> {
    try {
      const file = await this.#inside(path);
      if (file === undefined)
        return { ok: false, code: 'bad_path', message: `${path} leads out of the folder of its file` };
      const { size } = await stat(file);
      if (size <= MAX_GRAPH_BYTES) return { ok: true, bytes: await readFile(file) };
      const message = `${path} has ${size} bytes, expected at most ${MAX_GRAPH_BYTES}`;
      return { ok: false, code: 'too_large', message };
    } catch (thrown) {
      return { ok: false, code: 'unreadable_file', message: `${path} cannot be read: ${messageOf(thrown)}` };
    }
  }

  /** What cannot be read is said where the file itself is read. */
  async list(path: string): Promise<readonly string[]> {
    try {
      const folder = await this.#inside(path);
      if (folder === undefined || !(await stat(folder)).isDirectory()) return [path];
      const found: string[] = [];
      for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
        if (entry.isDirectory()) continue;
        found.push(path + join(entry.parentPath, entry.name).slice(folder.length));
        if (found.length > MAX_FILES) break;
      }
      return found.length > 0 ? found.sort() : [path];
    } catch {
      return [path];
    }
  }

  async #inside(path: string): Promise<string | undefined> {
    const file = await realpath(join(this.#folder, path));
    return file.startsWith(this.#folder + sep) ? file : undefined;
  }
}
