/**
 * Definitions that protobufjs accepts, but `protoc` and the other languages refuse: a graph that is accepted has types that every node can load.
 *
 * 1. The values of an enum are names of the scope that the enum is in, not of the enum.
 * 2. An entry of a map is a message in the scope of the map's message.
 * 3. A package is not called like a message.
 */
import protobuf from 'protobufjs';
import { editionOf, fullNameOf, isMap, mapEntryName, originalName } from './reflection.js';

/** `pattern`: what is at fault there, in the file that the declaration is in. */
export type Conflict = (declaration: protobuf.ReflectionObject, pattern: RegExp, message: string) => void;

const MOST_FIELD_NUMBER = 536_870_911;
const INT32 = 2 ** 31;

/** Reports every conflict. All types are resolved. */
export function findConflicts(root: protobuf.Root, packages: Iterable<string>, add: Conflict): void {
  checkScope(root, add);
  for (const name of packages) {
    const parts = name.split('.');
    for (let length = 1; length <= parts.length; length += 1) {
      const at = root.lookup(parts.slice(0, length));
      if (at instanceof protobuf.Type) {
        add(at, new RegExp(`\\bmessage\\s+${at.name}\\b`), `${fullNameOf(at)} is a message and a package`);
      }
    }
  }
}

function checkScope(scope: protobuf.NamespaceBase, add: Conflict): void {
  const taken = new Map<string, string>();
  if (scope instanceof protobuf.Type) {
    checkMessage(scope, add);
    for (const field of scope.fieldsArray) taken.set(originalName(field), 'a field');
    for (const oneof of scope.oneofsArray) taken.set(oneof.name, 'a oneof');
    for (const field of scope.fieldsArray.filter(isMap)) {
      const name = mapEntryName(field);
      const other = scope.nested?.[name] ? 'a message' : taken.get(name);
      if (other)
        add(
          scope,
          nameOf(originalName(field)),
          `the entries of ${originalName(field)} are called ${name}, as ${other} is`,
        );
      taken.set(name, 'the entries of a map');
    }
  }
  for (const nested of scope.nestedArray) {
    if (nested instanceof protobuf.Namespace || nested instanceof protobuf.Enum)
      taken.set(nested.name, kindOf(nested));
  }
  for (const nested of scope.nestedArray) {
    if (nested instanceof protobuf.Enum) checkEnum(nested, taken, add);
    if (nested instanceof protobuf.Namespace) checkScope(nested, add);
  }
}

function kindOf(declaration: protobuf.ReflectionObject): string {
  if (declaration instanceof protobuf.Type) return 'a message';
  if (declaration instanceof protobuf.Enum) return 'an enum';
  return declaration instanceof protobuf.Service ? 'a service' : 'a package';
}

function checkEnum(type: protobuf.Enum, taken: Map<string, string>, add: Conflict): void {
  const values = Object.entries(type.values);
  const at = (name: string) => new RegExp(`\\benum\\s+${type.name}\\b[^}]*?\\b${name}\\s*=`);
  const [first] = values;
  if (!first) add(type, new RegExp(`\\benum\\s+${type.name}\\b`), `the enum ${type.name} has no value`);
  const isProto3 = editionOf(type) === 'proto3';
  if (first && first[1] !== 0 && isProto3)
    add(type, at(first[0]), `${first[0]} is ${first[1]}: the first value of an enum is 0 in proto3`);
  const short = new Map<string, readonly [string, number]>();
  for (const [name, number] of values) {
    const other = taken.get(name);
    const scope = type.parent?.fullName.replace(/^\./, '') || 'the file';
    if (other)
      add(
        type,
        at(name),
        `${name} is ${other} in ${scope} already: the values of an enum are names of the scope around it`,
      );
    taken.set(name, `a value of ${type.name}`);
    if (!(number >= -INT32 && number < INT32)) add(type, at(name), `${name} = ${number} is beyond 32 bits`);
    const alike = short.get(withoutPrefix(type.name, name));
    if (alike && alike[1] !== number && isProto3) {
      add(
        type,
        at(name),
        `${name} and ${alike[0]} are one name in languages that leave the name of the enum out`,
      );
    }
    short.set(withoutPrefix(type.name, name), [name, number]);
  }
}

/** As languages do that write `Status.DONE` for `STATUS_DONE`. */
function withoutPrefix(enumName: string, name: string): string {
  const [prefix, value] = [enumName, name].map((text) => text.replaceAll('_', '').toLowerCase()) as [
    string,
    string,
  ];
  const rest = value.startsWith(prefix) ? value.slice(prefix.length) : value;
  return rest === '' ? value : rest;
}

function checkMessage(type: protobuf.Type, add: Conflict): void {
  const isProto3 = editionOf(type) === 'proto3';
  const inJson = new Map<string, { readonly name: string; readonly isCustom: boolean }>();
  for (const field of type.fieldsArray) {
    const name = originalName(field);
    const fault = (message: string) => add(type, nameOf(name), message);
    const options = (field.options ?? {}) as { readonly default?: unknown; readonly json_name?: unknown };
    if (!(field.id >= 1 && field.id <= MOST_FIELD_NUMBER))
      fault(`${name} has the number ${field.id}: give 1 to ${MOST_FIELD_NUMBER}`);
    if (field.id >= 19_000 && field.id <= 19_999)
      fault(`${name} has the number ${field.id}: 19000 to 19999 are protobuf's own`);
    if (isProto3 && field.required) fault(`${name} is required, which proto3 does not have`);
    if (isProto3 && options.default !== undefined) fault(`${name} has a default, which proto3 does not have`);
    const { resolvedType } = field.resolve();
    if (isProto3 && resolvedType instanceof protobuf.Enum && editionOf(resolvedType) === 'proto2') {
      fault(
        `${name} is a ${fullNameOf(resolvedType)}, an enum of proto2: a message of proto3 cannot have it`,
      );
    }
    const isCustom = options.json_name !== undefined;
    const json = String(options.json_name ?? jsonName(name));
    const other = inJson.get(json);
    if (other && (isProto3 || isCustom || other.isCustom))
      fault(`${name} and ${other.name} are both called ${json} in JSON`);
    inJson.set(json, { name, isCustom });
  }
  for (const oneof of type.oneofsArray) {
    if (oneof.fieldsArray.length === 0)
      add(type, new RegExp(`\\boneof\\s+${oneof.name}\\b`), `the oneof ${oneof.name} has no field`);
  }
}

function jsonName(name: string): string {
  return name.replace(/_+([A-Za-z0-9]?)/g, (_, letter: string) => letter.toUpperCase());
}

function nameOf(field: string): RegExp {
  return new RegExp(`\\b${field}\\s*=`);
}
