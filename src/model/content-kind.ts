/** The kind of content by its first bytes, and the file ending of that kind. */

/** A kind, the place of what marks it, and the mark: text as Latin-1, or bytes. */
type Mark = readonly [mediaType: string, at: number, mark: string];

/** The first that fits counts. */
const MARKS: readonly Mark[] = [
  ['image/png', 0, '\x89PNG\r\n\x1a\n'],
  ['image/jpeg', 0, '\xff\xd8\xff'],
  ['image/gif', 0, 'GIF8'],
  ['image/webp', 8, 'WEBP'],
  ['image/avif', 4, 'ftypavif'],
  ['image/bmp', 0, 'BM'],
  ['image/tiff', 0, 'II*\0'],
  ['image/tiff', 0, 'MM\0*'],
  ['image/x-icon', 0, '\0\0\x01\0'],
  ['application/pdf', 0, '%PDF-'],
  ['application/x-npy', 0, '\x93NUMPY'],
  ['application/vnd.apache.parquet', 0, 'PAR1'],
  ['application/x-hdf5', 0, '\x89HDF\r\n\x1a\n'],
  ['application/vnd.sqlite3', 0, 'SQLite format 3\0'],
  ['application/gzip', 0, '\x1f\x8b'],
  ['application/zstd', 0, '\x28\xb5\x2f\xfd'],
  ['application/zip', 0, 'PK\x03\x04'],
  ['audio/wav', 8, 'WAVE'],
  ['audio/mpeg', 0, 'ID3'],
  ['audio/ogg', 0, 'OggS'],
  ['audio/flac', 0, 'fLaC'],
  ['video/mp4', 4, 'ftyp'],
  ['video/webm', 0, '\x1a\x45\xdf\xa3'],
  ['application/x-python-pickle', 0, '\x80\x04\x95'],
  ['application/x-python-pickle', 0, '\x80\x05\x95'],
];

const EXTENSIONS: Readonly<Record<string, string>> = {
  ...{ 'image/png': 'png', 'image/jpeg': 'jpg', 'image/gif': 'gif', 'image/webp': 'webp' },
  ...{ 'image/svg+xml': 'svg', 'image/avif': 'avif', 'image/bmp': 'bmp', 'image/tiff': 'tiff' },
  ...{ 'image/x-icon': 'ico', 'application/pdf': 'pdf', 'application/json': 'json' },
  ...{ 'application/x-npy': 'npy', 'application/vnd.apache.parquet': 'parquet', 'application/x-hdf5': 'h5' },
  ...{ 'application/vnd.sqlite3': 'sqlite', 'application/gzip': 'gz', 'application/zstd': 'zst' },
  ...{ 'application/zip': 'zip', 'application/x-ndjson': 'jsonl', 'application/yaml': 'yaml' },
  ...{ 'application/x-python-pickle': 'pkl', 'application/xml': 'xml', 'application/x-protobuf': 'pb' },
  ...{ 'text/plain': 'txt', 'text/markdown': 'md', 'text/html': 'html', 'text/csv': 'csv' },
  ...{ 'text/tab-separated-values': 'tsv', 'text/xml': 'xml', 'text/x-python': 'py', 'text/css': 'css' },
  ...{ 'audio/wav': 'wav', 'audio/mpeg': 'mp3', 'audio/ogg': 'ogg', 'audio/flac': 'flac' },
  ...{ 'video/mp4': 'mp4', 'video/webm': 'webm' },
};

/** The kind of unknown content. */
export const UNKNOWN_KIND = 'application/octet-stream';
/** So many of the first bytes are looked at. */
export const LOOKED_AT_BYTES = 4096;

/** The media type of some bytes, from the first of them. */
export function kindOfBytes(bytes: Uint8Array): string {
  const head = bytes.subarray(0, LOOKED_AT_BYTES);
  const found = MARKS.find(([, at, mark]) => carries(head, at, mark));
  if (found) return found[0];
  const text = textOf(head, bytes.length > head.length);
  return text === undefined ? UNKNOWN_KIND : kindOfText(text);
}

/** The ending of a file's name, without the dot. */
export function extensionOf(mediaType: string): string {
  return EXTENSIONS[mediaType] ?? (mediaType.startsWith('text/') ? 'txt' : 'bin');
}

function carries(head: Uint8Array, at: number, mark: string): boolean {
  if (head.length < at + mark.length) return false;
  for (let index = 0; index < mark.length; index += 1)
    if (head[at + index] !== mark.charCodeAt(index)) return false;
  return true;
}

/** The text in UTF-8 that these bytes are; where more bytes follow, the last character may be cut. Nothing for anything else. */
function textOf(head: Uint8Array, isCut: boolean): string | undefined {
  if (head.length === 0) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: isCut });
    // Control characters other than tab, line breaks and escape are in no text.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
    return /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function kindOfText(text: string): string {
  const begin = text.trimStart().slice(0, 512).toLowerCase();
  if (/^<!doctype html|^<html[\s>]/.test(begin)) return 'text/html';
  if (/^(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)?(<!doctype svg[^>]*>\s*)?<svg[\s>]/.test(begin))
    return 'image/svg+xml';
  if (begin.startsWith('<?xml')) return 'application/xml';
  if (/^[[{]/.test(begin))
    return /^\{.*\}\s*\n\s*\{/.test(begin) ? 'application/x-ndjson' : 'application/json';
  if (/^#{1,6} \S/m.test(text) && /^\s*#{1,6} /.test(text)) return 'text/markdown';
  return isTable(text, ',') ? 'text/csv' : isTable(text, '\t') ? 'text/tab-separated-values' : 'text/plain';
}

/** Whether the first lines all have the same number of cells, at least two. */
function isTable(text: string, delimiter: string): boolean {
  const lines = text.split(/\r?\n/).slice(0, 8);
  // The last one may be cut.
  const whole = lines.length > 2 ? lines.slice(0, -1) : lines;
  const counts = whole.map((line) => line.replace(/"[^"]*"/g, '').split(delimiter).length);
  return counts.length >= 2 && counts[0]! >= 2 && counts.every((count) => count === counts[0]);
}
