/**
 * Types as a `google.protobuf.FileDescriptorSet`.
 *
 * 1. Every file comes after its imports, and no two files need each other: a file is one group of declarations that need each other
 *    in a circle (nearly always a single one), whatever files they were written in.
 * 2. `google/protobuf/*` keep their own files' names, so that a reader may put its own in their place.
 */
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { type Declaration, needsOf } from './closure.js';
import {
  editionOf,
  fullNameOf,
  isMap,
  type MapField,
  mapEntryName,
  originalName,
  writtenOneof,
} from './reflection.js';

/** Declarations of one file, which come after all the files that they need. */
interface File {
  readonly name: string;
  readonly declarations: readonly Declaration[];
}

const { FileDescriptorSet } = descriptor as unknown as { FileDescriptorSet: protobuf.Type };

/** Throws for whatever is not a descriptor set, or not a complete one. */
export function parseDescriptors(bytes: Uint8Array): protobuf.Root {
  return protobuf.Root.fromDescriptor(bytes, { keepCase: true });
}

/** Serialises these declarations, among which are all that they need. */
export function serialiseDescriptors(declarations: readonly Declaration[]): Uint8Array {
  const files = joinByName(filesOf(declarations));
  const fileNameOf = new Map<Declaration, string>();
  for (const file of files) for (const one of file.declarations) fileNameOf.set(one, file.name);
  const set = { file: files.map((file) => describeFile(file, fileNameOf)) };
  return FileDescriptorSet.encode(FileDescriptorSet.fromObject(set)).finish();
}

/** Tarjan's strongly connected components, which come out with the needed ones first. */
function filesOf(declarations: readonly Declaration[]): File[] {
  const files: File[] = [];
  const index = new Map<Declaration, number>();
  const low = new Map<Declaration, number>();
  const open: Declaration[] = [];

  function visit(one: Declaration): void {
    const number = index.size;
    index.set(one, number);
    low.set(one, number);
    open.push(one);
    for (const need of needsOf(one)) {
      if (!index.has(need)) visit(need);
      if (open.includes(need)) low.set(one, Math.min(low.get(one)!, low.get(need)!));
    }
    if (low.get(one) !== number) return;
    const members = open.splice(open.indexOf(one)).sort((a, b) => (fullNameOf(a) < fullNameOf(b) ? -1 : 1));
    files.push({ name: fileName(members[0]!), declarations: members });
  }

  for (const one of declarations) if (!index.has(one)) visit(one);
  return files;
}

const WELL_KNOWN_FILES: readonly (readonly [RegExp, string])[] = [
  [/^(Struct|Value|NullValue|ListValue)$/, 'struct'],
  [/^(Double|Float|Int64|UInt64|Int32|UInt32|Bool|String|Bytes)Value$/, 'wrappers'],
  [/^FieldMask$/, 'field_mask'],
  [/^(Any|Duration|Empty|Timestamp)$/, ''],
];

function fileName(first: Declaration): string {
  const path = fullNameOf(first).replaceAll('.', '/');
  if (path !== `google/protobuf/${first.name}`) return `${path}.proto`;
  const [, file] = WELL_KNOWN_FILES.find(([names]) => names.test(first.name)) ?? [];
  return `google/protobuf/${file || first.name.toLowerCase()}.proto`;
}

/** Files of one name as one, where the first of them was: only those of `google/protobuf`, which need nothing outside. */
function joinByName(files: readonly File[]): File[] {
  const joined = new Map<string, Declaration[]>();
  for (const { name, declarations } of files) {
    joined.set(name, [...(joined.get(name) ?? []), ...declarations]);
  }
  return [...joined].map(([name, declarations]) => ({ name, declarations }));
}

type Described = Record<string, unknown>;

function describeFile(file: File, fileNameOf: ReadonlyMap<Declaration, string>): Described {
  const first = file.declarations[0]!;
  const imports = new Set<string>();
  for (const declaration of file.declarations) {
    for (const need of needsOf(declaration)) imports.add(fileNameOf.get(need)!);
  }
  imports.delete(file.name);
  const enums = file.declarations.filter((one) => one instanceof protobuf.Enum);
  const messages = file.declarations.filter((one) => one instanceof protobuf.Type);
  return {
    name: file.name,
    package: first.parent ? fullNameOf(first.parent) : '',
    syntax: editionOf(first),
    dependency: [...imports].sort(),
    messageType: messages.map(describeMessage),
    enumType: enums.map(describeEnum),
  };
}

function describeMessage(type: protobuf.Type): Described {
  // The ones that stand for `optional` come last, as protobuf demands.
  const oneofs = type.oneofsArray.toSorted((a, b) => Number(a.isProto3Optional) - Number(b.isProto3Optional));
  const nested = type.nestedArray;
  const maps = type.fieldsArray.filter(isMap);
  return {
    name: type.name,
    field: type.fieldsArray.map((field) => describeField(field, oneofs)),
    oneofDecl: oneofs.map(({ name }) => ({ name })),
    nestedType: [
      ...maps.map(describeMapEntry),
      ...nested.filter((one) => one instanceof protobuf.Type).map(describeMessage),
    ],
    enumType: nested.filter((one) => one instanceof protobuf.Enum).map(describeEnum),
  };
}

const LABEL = { optional: 1, required: 2, repeated: 3 } as const;
const MESSAGE = 11;
const ENUM = 14;
const SCALARS: Readonly<Record<string, number>> = {
  ...{ double: 1, float: 2, int64: 3, uint64: 4, int32: 5, fixed64: 6, fixed32: 7, bool: 8, string: 9 },
  ...{ bytes: 12, uint32: 13, sfixed32: 15, sfixed64: 16, sint32: 17, sint64: 18 },
};

function describeField(field: protobuf.Field, oneofs: readonly protobuf.OneOf[]): Described {
  const described: Described = {
    name: originalName(field),
    number: field.id,
    jsonName: field.jsonName,
    label: field.repeated || field.map ? LABEL.repeated : field.required ? LABEL.required : LABEL.optional,
    ...(isMap(field)
      ? { type: MESSAGE, typeName: `${field.parent!.fullName}.${mapEntryName(field)}` }
      : describeType(field)),
  };
  if (field.partOf) {
    described.oneofIndex = oneofs.indexOf(field.partOf);
    if (!writtenOneof(field)) described.proto3Optional = true;
  }
  const isPackable = field.repeated && !['string', 'bytes'].includes(field.type);
  if (isPackable && described.type !== MESSAGE) described.options = { packed: field.packed };
  const { default: given } = (field.options ?? {}) as { default?: unknown };
  if (given !== undefined) described.defaultValue = String(given);
  return described;
}

function describeType(field: protobuf.Field): Described {
  const { resolvedType } = field.resolve();
  if (!resolvedType) return { type: SCALARS[field.type] };
  const isEnum = resolvedType instanceof protobuf.Enum;
  return { type: isEnum ? ENUM : MESSAGE, typeName: resolvedType.fullName };
}

function describeMapEntry(field: MapField): Described {
  const key = { name: 'key', number: 1, label: LABEL.optional, type: SCALARS[field.keyType] };
  const value = { name: 'value', number: 2, label: LABEL.optional, ...describeType(field) };
  return { name: mapEntryName(field), field: [key, value], options: { mapEntry: true } };
}

function describeEnum(type: protobuf.Enum): Described {
  const value = Object.entries(type.values).map(([name, number]) => ({ name, number }));
  const hasAliases = new Set(Object.values(type.values)).size < value.length;
  return { name: type.name, value, ...(hasAliases && { options: { allowAlias: true } }) };
}
