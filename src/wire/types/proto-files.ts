/** Reads folders of `.proto` files into one protobufjs root, and says file and line of all that is wrong with them. */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import protobuf from 'protobufjs';
import { decodeText } from '../../base/decode-text.js';
import { type Fault, messageOf, summaryOf, TuttiError } from '../../base/errors.js';
import { didYouMean } from '../../base/nearest.js';
import { addBundled, isBundled } from './bundled-protos.js';
import { findConflicts } from './conflicts.js';
import { fullNameOf, messagesIn, originalName, unsupported } from './reflection.js';

interface ProtoFile {
  /** For people: the folder as it was given, and the path below it. */
  readonly shown: string;
  /** As another file imports it: with `/`, from the folder that it is in. */
  readonly importPath: string;
  readonly text: string;
}

/** Throws `TuttiError` `bad_proto` with all faults. */
export function readProtoFiles(folders: readonly string[]): protobuf.Root {
  const faults: Fault[] = [];
  const fault = (path: string, message: string) => faults.push({ path, code: 'bad_proto', message });
  const files = folders.flatMap((folder) => filesUnder(folder, fault));
  const importable = new Set(files.map((file) => file.importPath));
  const root = new protobuf.Root();
  const bundled = new Set<string>();
  const packages = new Set<string>();

  for (const file of distinct(files)) {
    for (const path of parseInto(root, file, packages, fault)) {
      if (importable.has(path)) continue;
      if (isBundled(path)) bundled.add(path);
      else fault(lineOf(file, path), `imports ${path}, which is in none of ${folders.join(', ')}`);
    }
  }
  addBundled(root, bundled, (path) => importable.has(path));
  dropExtensions(root);
  qualifyTypes(root);
  if (faults.length === 0)
    checkTypes(root, new Map(files.map((file) => [file.shown, file])), packages, fault);
  if (faults.length > 0) {
    throw new TuttiError('bad_proto', summaryOf(faults), {
      details: faults,
      hint: 'every .proto file under a proto path must be valid',
    });
  }
  return root;
}

/** Missing from protobufjs' typings: the source of the names in its messages and on its objects. */
const PARSER: { filename?: string | null } = protobuf.parse as object;

type AddFault = (path: string, message: string) => void;

function filesUnder(folder: string, fault: AddFault): (ProtoFile & { readonly real: string })[] {
  try {
    if (!statSync(folder).isDirectory()) throw new Error('it is not a folder');
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.proto') && statSync(join(folder, path)).isFile())
      .sort()
      .map((path) => ({
        shown: relative('', join(folder, path)) || path,
        importPath: path.split(sep).join('/'),
        real: realpathSync(join(folder, path)),
        text: decodeText(readFileSync(join(folder, path))),
      }));
  } catch (error) {
    fault(folder, `this proto path cannot be read: ${messageOf(error)}`);
    return [];
  }
}

/** A file that several folders hold, or that several paths lead to, counts once: the first wins, as with protoc. */
function distinct(files: readonly (ProtoFile & { readonly real: string })[]): ProtoFile[] {
  const seen = new Set<string>();
  return files.filter((file) => {
    const isNew = !seen.has(file.importPath) && !seen.has(file.real);
    seen.add(file.importPath).add(file.real);
    return isNew;
  });
}

/** Gives what the file imports. */
function parseInto(
  root: protobuf.Root,
  file: ProtoFile,
  packages: Set<string>,
  fault: AddFault,
): readonly string[] {
  PARSER.filename = file.shown;
  try {
    const options = { keepCase: true, alternateCommentMode: true };
    const parsed = protobuf.parse(file.text, root, options);
    const { imports = [], weakImports = [] } = parsed;
    if (parsed.package) packages.add(parsed.package);
    return [...imports, ...weakImports];
  } catch (error) {
    const { message, line } = locate(messageOf(error), file);
    fault(`${file.shown}:${line}`, message);
    return [];
  } finally {
    PARSER.filename = null;
  }
}

/** protobufjs says the line in its message, or names what is there twice. */
function locate(message: string, file: ProtoFile): { message: string; line: number } {
  const said = / \(.*, line (\d+)\)$/.exec(message);
  if (said) return { message: message.slice(0, said.index), line: Number(said[1]) };
  const [, name] = /duplicate name '(.+)' in/.exec(message) ?? [];
  const [, id] = /duplicate id (-?\d+) in/.exec(message) ?? [];
  const pattern = name ? `\\b${name}\\b\\s*[={]` : `=\\s*${id}\\b`;
  const last = name || id ? [...file.text.matchAll(new RegExp(pattern, 'g'))].at(-1) : undefined;
  return { message, line: lineAt(file.text, last?.index ?? 0) };
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

/** Where `needle` is first found in the file, as `<file>:<line>`. */
function lineOf(file: ProtoFile, needle: string | RegExp): string {
  return `${file.shown}:${lineAt(file.text, Math.max(file.text.search(asPattern(needle)), 0))}`;
}

/** Where what is searched for ends, behind the beginning of its declaration. */
function placeWithin(file: ProtoFile, { name }: protobuf.ReflectionObject, pattern: RegExp): string {
  const start = Math.max(file.text.search(new RegExp(`\\b(message|enum)\\s+${name}\\b`)), 0);
  const found = pattern.exec(file.text.slice(start));
  return `${file.shown}:${lineAt(file.text, start + (found ? found.index + found[0].length : 0))}`;
}

function asPattern(needle: string | RegExp): RegExp {
  return needle instanceof RegExp ? needle : new RegExp(needle.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
}

/** Extensions are options for other tools, or fields that a payload's type does not have. */
function dropExtensions(scope: protobuf.NamespaceBase): void {
  for (const nested of scope.nestedArray) {
    if (nested instanceof protobuf.Field) scope.remove(nested);
    else if (nested instanceof protobuf.Namespace) dropExtensions(nested);
  }
}

/**
 * Gives every field its type's full name, from the innermost scope outwards as protoc does: protobufjs by itself would rather take a
 * type of that name from within a sibling.
 */
function qualifyTypes(root: protobuf.Root): void {
  for (const type of messagesIn(root)) {
    for (const field of type.fieldsArray) {
      if (Object.hasOwn(protobuf.types.basic, field.type) || field.type.startsWith('.')) continue;
      const path = field.type.split('.');
      for (let scope: protobuf.NamespaceBase | null = type; scope; scope = scope.parent) {
        const found = nestedIn(scope, path);
        if (!(found instanceof protobuf.Type || found instanceof protobuf.Enum)) continue;
        field.type = found.fullName;
        break;
      }
    }
  }
}

/** The object at this path below a scope; never a field. */
function nestedIn(
  scope: protobuf.NamespaceBase,
  path: readonly string[],
): protobuf.ReflectionObject | undefined {
  let at: protobuf.ReflectionObject | undefined = scope;
  for (const part of path) at = at instanceof protobuf.Namespace ? at.nested?.[part] : undefined;
  return at;
}

/** Every field's type has to exist, and every type be one that can be dealt with. */
function checkTypes(
  root: protobuf.Root,
  files: ReadonlyMap<string, ProtoFile>,
  packages: ReadonlySet<string>,
  fault: AddFault,
): void {
  const types = messagesIn(root);
  const place = (type: protobuf.Type, pattern: RegExp) => {
    const file = files.get(type.filename ?? '');
    return file ? lineOf(file, pattern) : fullNameOf(type);
  };
  let complete = true;
  for (const type of types) {
    for (const field of type.fieldsArray) {
      try {
        field.resolve();
      } catch {
        complete = false;
        const name = originalName(field);
        const near = didYouMean(
          field.type,
          types.map((one) => one.name),
        );
        const where = place(type, new RegExp(`\\b${name}\\s*=\\s*${field.id}\\b`));
        fault(where, `${name} has the unknown type ${field.type}${near}`);
      }
    }
  }
  if (!complete) return;
  // Only now do types know of their syntax what their fields take from it.
  root.resolveAll();
  for (const type of types) {
    const why = unsupported(type);
    if (why) fault(place(type, new RegExp(`\\b${type.name}\\b`)), why);
  }
  findConflicts(root, packages, (declaration, pattern, message) => {
    const file = files.get(declaration.filename ?? '');
    const inside = file && placeWithin(file, declaration, pattern);
    fault(inside ?? fullNameOf(declaration), message);
  });
}
