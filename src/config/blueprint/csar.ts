/**
 * CSARs: zip archives that hold a TOSCA template and the files that it names.
 *
 * Z1. The table of contents is checked as a whole before anything is unpacked: names, kinds and sizes. An entry never comes to more bytes than the
 *     table says.
 * Z2. Nothing is written to the disk, and only entries that a template names are unpacked.
 */
import { type Entry, fromBufferPromise, getFileNameLowLevel, type ZipFile } from 'yauzl';
import { type Fault, messageOf } from '../../base/errors.js';
import { type Beside, type Content, MAX_CSAR_BYTES } from '../../model/blueprint-source.js';
import { pathWithin } from '../../model/run.js';
import { entryOf, META } from './tosca/meta.js';

const MAX_ENTRIES = 5_000;
/** What comes after them is not told. */
const MAX_FAULTS = 100;
/** Of all entries together. */
const MAX_UNPACKED_BYTES = 128 * 1024 * 1024;
/** Text comes to some 20; only a bomb comes to hundreds. */
const MAX_RATIO = 200;
/** Below that, an archive that is nothing but zeros is harmless. */
const RATIO_COUNTS_FROM_BYTES = 1024 * 1024;

export type OpenedCsar =
  | {
      readonly ok: true;
      /** The path of the template. */
      readonly mainFile: string;
      readonly beside: Beside;
    }
  | { readonly ok: false; readonly faults: readonly Fault[] };

type Entries = ReadonlyMap<string, Entry>;
type Add = (path: string, code: string, message: string) => void;

export async function openCsar(bytes: Uint8Array): Promise<OpenedCsar> {
  const faults: Fault[] = [];
  const add: Add = (path, code, message) => {
    if (faults.length < MAX_FAULTS) faults.push({ path, code, message });
  };
  if (bytes.byteLength > MAX_CSAR_BYTES) {
    add('', 'too_large', `the archive has ${bytes.byteLength} bytes, expected at most ${MAX_CSAR_BYTES}`);
    return { ok: false, faults };
  }
  try {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // Names are decoded and checked here: the library would stop at the first one that is wrong, without its path.
    const zip = await fromBufferPromise(buffer, { decodeStrings: false });
    const entries = await readTable(zip, add);
    if (faults.length > 0) return { ok: false, faults };
    const beside = new Unpacked(zip, entries);
    const meta = entries.has(META) ? await beside.read(META) : undefined;
    if (meta?.ok === false) add(META, meta.code, meta.message);
    const mainFile = meta?.ok === false ? undefined : entryOf([...entries.keys()], meta?.bytes, add);
    return mainFile === undefined ? { ok: false, faults } : { ok: true, mainFile, beside };
  } catch (thrown) {
    add('', 'bad_csar', `the archive cannot be read: ${messageOf(thrown)}`);
    return { ok: false, faults };
  }
}

/** Z1. The files, by path. */
async function readTable(zip: ZipFile, add: Add): Promise<Entries> {
  const entries = new Map<string, Entry>();
  const folders = new Set<string>();
  if (zip.entryCount > MAX_ENTRIES) {
    add('', 'too_large', `the archive has ${zip.entryCount} entries, expected at most ${MAX_ENTRIES}`);
    return entries;
  }
  let unpacked = 0;
  for await (const entry of zip.eachEntry()) {
    const { uncompressedSize, compressedSize } = entry;
    const fileName = nameOf(entry);
    const isFolder = fileName.endsWith('/');
    const path = pathWithin(isFolder ? fileName.slice(0, -1) : fileName);
    unpacked += uncompressedSize;
    if (path === undefined) add(fileName, 'bad_path', 'it is not a path within the archive');
    else if (isSpecial(entry, isFolder)) add(path, 'bad_entry', 'it is neither a file nor a folder');
    else if (entry.isEncrypted())
      add(path, 'encrypted', 'it is encrypted: give an archive without a password');
    else if (entries.has(path) || (!isFolder && folders.has(path)))
      add(path, 'duplicate', 'it appears twice');
    else if (uncompressedSize > RATIO_COUNTS_FROM_BYTES && uncompressedSize > compressedSize * MAX_RATIO)
      add(path, 'too_large', `it would grow more than ${MAX_RATIO} times when it is unpacked`);
    else if (!isFolder) entries.set(path, entry);
    if (path !== undefined) for (const folder of foldersOf(path, isFolder)) folders.add(folder);
    if (unpacked <= MAX_UNPACKED_BYTES) continue;
    add(fileName, 'too_large', `with it, the entries have more than ${MAX_UNPACKED_BYTES} bytes unpacked`);
    return entries;
  }
  for (const folder of folders)
    if (entries.has(folder)) add(folder, 'duplicate', 'it is a file and a folder');
  return entries;
}

function nameOf({ generalPurposeBitFlag, fileNameRaw, extraFields }: Entry): string {
  return getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, true);
}

function foldersOf(path: string, isFolder: boolean): string[] {
  const steps = path.split('/');
  const count = isFolder ? steps.length : steps.length - 1;
  return Array.from({ length: count }, (_, index) => steps.slice(0, index + 1).join('/'));
}

const MADE_BY_UNIX = 3;
const KIND = 0o170000;
const FILE = 0o100000;
const FOLDER = 0o040000;

/** A symbolic link, a device or the like. */
function isSpecial({ versionMadeBy, externalFileAttributes }: Entry, isFolder: boolean): boolean {
  const kind = (externalFileAttributes >>> 16) & KIND;
  if (versionMadeBy >>> 8 !== MADE_BY_UNIX || kind === 0) return false;
  return kind !== (isFolder ? FOLDER : FILE);
}

/** Z2 */
class Unpacked implements Beside {
  readonly #zip: ZipFile;
  readonly #entries: Entries;

  constructor(zip: ZipFile, entries: Entries) {
    this.#zip = zip;
    this.#entries = entries;
  }

  async read(path: string): Promise<Content> {
    const entry = this.#entries.get(path);
    if (entry === undefined)
      return { ok: false, code: 'missing_file', message: `the file ${path} is not in the archive` };
    try {
      const pieces: Buffer[] = [];
      for await (const piece of await this.#zip.openReadStreamPromise(entry)) pieces.push(piece as Buffer);
      return { ok: true, bytes: Buffer.concat(pieces) };
    } catch (thrown) {
      return { ok: false, code: 'bad_entry', message: `${path} cannot be unpacked: ${messageOf(thrown)}` };
    }
  }

  async list(path: string): Promise<readonly string[]> {
    if (this.#entries.has(path)) return [path];
    const below = [...this.#entries.keys()].filter((one) => one.startsWith(`${path}/`));
    return below.length > 0 ? below : [path];
  }
}
