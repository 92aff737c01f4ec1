/** Files that a person has chosen or dropped, each with its path. */

export interface ChosenFile {
  /** Within the folder that was chosen; of a file by itself, its name. */
  readonly path: string;
  readonly file: File;
}

export function fromChooser(files: Iterable<File>): ChosenFile[] {
  return [...files].map((file) => ({ path: withoutTop(file.webkitRelativePath) || file.name, file }));
}

/** Files that are dropped, and those in the folders that are. To be called while the drop is handled: afterwards, its items are gone. */
export async function fromDrop(items: DataTransferItemList): Promise<ChosenFile[]> {
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const found = await Promise.all(
    entries.map(async (entry) =>
      (await filesWithin(entry)).map((file) => (entry.isDirectory ? shortened(file) : file)),
    ),
  );
  return found.flat();
}

/** Those that were there and those that come; of two with one path, the one that comes. */
export function joined(files: readonly ChosenFile[], more: readonly ChosenFile[]): readonly ChosenFile[] {
  const byPath = new Map([...files, ...more].map((one) => [one.path, one]));
  return [...byPath.values()];
}

function shortened({ path, file }: ChosenFile): ChosenFile {
  return { path: withoutTop(path), file };
}

function withoutTop(path: string): string {
  return path.slice(path.indexOf('/') + 1);
}

async function filesWithin(entry: FileSystemEntry): Promise<ChosenFile[]> {
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [{ path: entry.fullPath.replace(/^\//, ''), file }];
  }
  if (!isFolder(entry)) return [];
  const reader = entry.createReader();
  const found: ChosenFile[] = [];
  // It gives its entries in parts, and none once it has given all.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (part.length === 0) return found;
    for (const one of part) found.push(...(await filesWithin(one)));
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
