/** The files that an operation finds in its working folder. */
import { show } from '../../faults.js';
import type { Written } from './artifacts.js';
import type { Operation } from './operations.js';
import { baseName, resolvePath } from './paths.js';
import { fileOf, type Report } from './report.js';

/** The files at a path from the root: the path itself, or, for a folder, those below it. */
export type ListFiles = (path: string) => Promise<readonly string[]>;

export interface Layout {
  /** In the working folder. */
  readonly script: string;
  /** By path in the working folder, the path from the root: the script and its dependencies, side by side. */
  readonly files: Readonly<Record<string, string>>;
  /** By path from the root, where it is named. */
  readonly named: ReadonlyMap<string, Written>;
}

/** Of all operations together. */
const MAX_FILES = 1_000;
const MAX_DEPENDENCIES = 100;

export class Layouts {
  readonly #mainFile: string;
  readonly #list: ListFiles;
  readonly #report: Report;
  readonly #listed = new Map<string, readonly string[]>();
  #count = 0;

  constructor(mainFile: string, list: ListFiles, report: Report) {
    this.#mainFile = mainFile;
    this.#list = list;
    this.#report = report;
  }

  /** Nothing if a path is wrong; the report says so. */
  async of(primary: Written, { dependencies }: Operation): Promise<Layout | undefined> {
    const script = this.#pathOf(primary);
    if (script === undefined) return undefined;
    if (dependencies.length > MAX_DEPENDENCIES) {
      const message = `${dependencies.length} dependencies are too many: give at most ${MAX_DEPENDENCIES}, or a folder`;
      this.#report.add(primary.at, 'out_of_range', message);
      return undefined;
    }
    const files = new Map([[baseName(script), script]]);
    const named = new Map([[script, primary]]);
    for (const dependency of dependencies) {
      const path = this.#pathOf(dependency);
      if (path === undefined) continue;
      for (const file of await this.#filesAt(path)) {
        const name = baseName(path) + file.slice(path.length);
        const other = files.get(name);
        if (other !== undefined && other !== file) {
          const message = `${file} and ${other} would both be ${name} beside the script: rename one of them`;
          this.#report.add(dependency.at, 'duplicate', message);
        }
        files.set(name, file);
        if (!named.has(file)) named.set(file, dependency);
      }
      if (files.size + this.#count > MAX_FILES) {
        this.#report.add(dependency.at, 'out_of_range', `operations have at most ${MAX_FILES} files in all`);
        return undefined;
      }
    }
    this.#count += files.size;
    return { script: baseName(script), files: Object.fromEntries(files), named };
  }

  async #filesAt(path: string): Promise<readonly string[]> {
    const listed = this.#listed.get(path) ?? (await this.#list(path));
    this.#listed.set(path, listed);
    return listed;
  }

  #pathOf({ value, at }: Written): string | undefined {
    const path = resolvePath(String(value), fileOf(at) ?? this.#mainFile);
    if (path === undefined)
      this.#report.add(at, 'bad_path', `${show(value)} is not a path within the folder of the template`);
    return path;
  }
}
