import { useEffect, useState } from 'react';
import { type BlueprintForm, fileAt, readBlueprint } from './blueprint-form.js';
import { type ChosenFile, joined } from './chosen-files.js';
import { sha256Of } from './sha256.js';

/** A longer YAML file is not read for a form: the orchestrator takes none of that size. */
const MAX_BYTES = 1024 * 1024;

export interface ReadBlueprint {
  readonly path: string;
  readonly file: File;
  readonly form: BlueprintForm;
}

/** The files that a blueprint names, each as far as it is there. */
export interface NamedFile {
  readonly path: string;
  readonly file: File | undefined;
}

export interface ChosenBlueprint {
  readonly files: readonly ChosenFile[];
  readonly add: (more: readonly ChosenFile[]) => void;
  /** Those among the files. */
  readonly blueprints: readonly ReadBlueprint[];
  /** All files have been looked at. */
  readonly isRead: boolean;
  readonly chosen: ReadBlueprint | undefined;
  readonly choose: (path: string) => void;
  readonly named: readonly NamedFile[];
}

export function useBlueprint(): ChosenBlueprint {
  const [files, setFiles] = useState<readonly ChosenFile[]>([]);
  const [read, setRead] = useState<{
    readonly of: readonly ChosenFile[];
    readonly blueprints: readonly ReadBlueprint[];
  }>({ of: files, blueprints: [] });
  const [path, setPath] = useState<string>();
  useEffect(() => {
    let isCurrent = true;
    void blueprintsAmong(files).then((blueprints) => {
      if (isCurrent) setRead({ of: files, blueprints });
    });
    return () => {
      isCurrent = false;
    };
  }, [files]);
  const { blueprints } = read;
  const chosen = blueprints.find((one) => one.path === path) ?? blueprints[0];
  const named = (chosen?.form.files ?? []).map(
    (one): NamedFile => ({ path: one, file: fileAt(files, chosen!.path, one)?.file }),
  );
  return {
    ...{ files, blueprints, chosen, named },
    isRead: read.of === files,
    add: (more) => setFiles((now) => joined(now, more)),
    choose: setPath,
  };
}

/** Those that are nearest to the top first. */
async function blueprintsAmong(files: readonly ChosenFile[]): Promise<readonly ReadBlueprint[]> {
  const found = await Promise.all(
    files
      .filter(({ path, file }) => /\.ya?ml$/.test(path) && file.size <= MAX_BYTES)
      .map(async ({ path, file }): Promise<readonly ReadBlueprint[]> => {
        const form = readBlueprint(await file.text().catch(() => ''));
        return form === undefined ? [] : [{ path, file, form }];
      }),
  );
  const depth = ({ path }: ReadBlueprint): number => path.split('/').length;
  return found.flat().sort((a, b) => depth(a) - depth(b));
}

/** What is sent of a blueprint: its text, and of each file its hash, by which its content is uploaded before. */
export interface Gathered {
  readonly blueprint: string;
  readonly files: Readonly<Record<string, string>>;
  /** By hash. */
  readonly contents: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** Read at the moment at which it is sent: what was edited since it was chosen has to be chosen again, as browsers have it. */
export async function gather({ file, path }: ReadBlueprint, named: readonly NamedFile[]): Promise<Gathered> {
  const contents = new Map<string, Uint8Array<ArrayBuffer>>();
  const files: Record<string, string> = {};
  for (const one of named) {
    if (!one.file) continue;
    const content = new Uint8Array(await read(one.path, () => one.file!.arrayBuffer()));
    files[one.path] = sha256Of(content);
    contents.set(files[one.path]!, content);
  }
  return { blueprint: await read(path, () => file.text()), files, contents };
}

async function read<T>(path: string, content: () => Promise<T>): Promise<T> {
  try {
    return await content();
  } catch (cause) {
    throw new Error(`${path} has changed since it was chosen: choose it again.`, { cause });
  }
}
