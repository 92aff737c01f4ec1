/** The files that `protoc` always has, as `google/protobuf/….proto`. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import protobuf from 'protobufjs';

/** Those that protobufjs keeps as files, with what each imports. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  'google/protobuf/api.proto': ['google/protobuf/source_context.proto', 'google/protobuf/type.proto'],
  'google/protobuf/compiler/plugin.proto': ['google/protobuf/descriptor.proto'],
  'google/protobuf/descriptor.proto': [],
  'google/protobuf/source_context.proto': [],
  'google/protobuf/type.proto': ['google/protobuf/any.proto', 'google/protobuf/source_context.proto'],
};
const ANY = 'google/protobuf/any.proto';
/** Messages that an `Any` may hold without an import: those that have a JSON form of their own. */
const WITHIN_ANY = ['duration', 'empty', 'field_mask', 'struct', 'timestamp', 'wrappers'];

const resolve = createRequire(import.meta.url).resolve;

export function isBundled(path: string): boolean {
  return Object.hasOwn(FILES, path) || Object.hasOwn(protobuf.common, path);
}

/** Adds these files and all that they need to a root, each once. `isThere`: whether the person has the file in a folder. */
export function addBundled(
  root: protobuf.Root,
  paths: Iterable<string>,
  isThere: (path: string) => boolean,
): void {
  const added = new Set<string>();
  const waiting = [...paths];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (added.has(path) || isThere(path)) continue;
    added.add(path);
    waiting.push(...(FILES[path] ?? []));
    if (path === ANY) waiting.push(...WITHIN_ANY.map((name) => `google/protobuf/${name}.proto`));
    if (Object.hasOwn(FILES, path)) {
      protobuf.parse(readFileSync(resolve(`protobufjs/${path}`), 'utf8'), root, { keepCase: true });
    } else {
      const { nested } = (protobuf.common as unknown as Record<string, protobuf.INamespace>)[path]!;
      root.addJSON(nested ?? {});
    }
  }
}
