/** Which file of an archive is its template: the metadata says it, or it is the only YAML file at the root. */

export const META = 'TOSCA-Metadata/TOSCA.meta';

const ENTRY = 'Entry-Definitions';
const VERSIONS = ['1.0', '1.1'];
const MAX_META_BYTES = 64 * 1024;

type Add = (path: string, code: string, message: string) => void;

/** `paths`: of all files. `meta`: the content of `TOSCA.meta`, if there is one. */
export function entryOf(
  paths: readonly string[],
  meta: Uint8Array | undefined,
  add: Add,
): string | undefined {
  if (meta === undefined) return onlyTemplate(paths, add);
  const fields = meta.byteLength > MAX_META_BYTES ? new Map() : fieldsOf(new TextDecoder().decode(meta));
  const version = fields.get('CSAR-Version');
  if (!VERSIONS.includes(version)) {
    const given = version === undefined ? 'is missing' : `is ${JSON.stringify(version)}`;
    add(META, 'unsupported', `CSAR-Version ${given}: supported are ${VERSIONS.join(', ')}`);
    return undefined;
  }
  const entry = fields.get(ENTRY);
  if (entry === undefined) add(META, 'missing_field', `${ENTRY} is missing: give the path of the template`);
  else if (!paths.includes(entry))
    add(META, 'missing_file', `${ENTRY} is ${JSON.stringify(entry)}, which is not in the archive`);
  else if (fields.has('Other-Definitions'))
    add(META, 'unsupported', 'Other-Definitions is not supported: import the files from the template');
  else return entry;
  return undefined;
}

function onlyTemplate(paths: readonly string[], add: Add): string | undefined {
  const found = paths.filter((path) => /^[^/]+\.ya?ml$/i.test(path));
  if (found.length === 1) return found[0];
  const what = found.length === 0 ? 'no YAML file' : `${found.length} YAML files (${found.join(', ')})`;
  add('', 'bad_csar', `the archive has ${what} at its root, and no ${META} that names the template`);
  return undefined;
}

/** `name: value` on each line of the first block; a line that begins with a space goes on with the one before. */
function fieldsOf(text: string): ReadonlyMap<string, string> {
  const [block = ''] = text
    .replace(/^\ufeff/, '')
    .replaceAll('\r\n', '\n')
    .split(/\n[ \t]*\n/);
  const fields = new Map<string, string>();
  for (const line of block.replace(/\n[ \t]+/g, '').split('\n')) {
    const at = line.indexOf(':');
    if (at > 0)
      fields.set(
        line.slice(0, at).trim(),
        line
          .slice(at + 1)
          .trim()
          .replace(/^(["'])(.*)\1$/, '$2'),
      );
  }
  return fields;
}
