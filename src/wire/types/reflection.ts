/** The queries of the type registry to protobufjs' reflection, in one place. */
import protobuf from 'protobufjs';

/** A message, enum, or anything else with a place in a package, without the leading dot. */
export function fullNameOf(object: protobuf.ReflectionObject): string {
  return object.fullName.replace(/^\./, '');
}

/** The field's name in its `.proto`. (The definitions that protobufjs bundles carry lowerCamelCase names beside it.) */
export function originalName(field: protobuf.Field): string {
  return field.protoName ?? field.name;
}

/** protobufjs' own type for it hides that it is a field. */
export type MapField = protobuf.Field & { readonly keyType: string };

export function isMap(field: protobuf.Field): field is MapField {
  return field.map;
}

/** As protoc names the message that an entry of the map is. */
export function mapEntryName(field: MapField): string {
  const camel = originalName(field).replace(/(?:^|_+)([a-z]?)/g, (_, letter: string) => letter.toUpperCase());
  return `${camel}Entry`;
}

/** Whether unset differs from default; such a field is absent when it is not on the wire. */
export function hasPresence(field: protobuf.Field): boolean {
  if (field.repeated || field.map) return false;
  return field.resolve().resolvedType instanceof protobuf.Type || Boolean(field.hasPresence);
}

/** The `oneof` that the author wrote around this field; the one that stands for `optional` is none. */
export function writtenOneof(field: protobuf.Field): protobuf.OneOf | undefined {
  return field.partOf && !field.partOf.isProto3Optional ? field.partOf : undefined;
}

/** proto2's enums take declared numbers only; proto3's take any. */
export function isClosed(type: protobuf.Enum): boolean {
  return editionOf(type) === 'proto2';
}

/** `proto2` or `proto3`: no other passes `unsupported`. */
export function editionOf(object: protobuf.ReflectionObject): string {
  for (let at: protobuf.ReflectionObject | null = object; at; at = at.parent) {
    const { _edition } = at as { _edition?: string | null };
    if (_edition) return _edition;
  }
  return 'proto3';
}

/** Every message type below, in the order of the declarations, nested ones after their parents. */
export function messagesIn(namespace: protobuf.NamespaceBase): protobuf.Type[] {
  return namespace.nestedArray.flatMap((nested) => {
    const below = nested instanceof protobuf.Namespace ? messagesIn(nested) : [];
    return nested instanceof protobuf.Type ? [nested, ...below] : below;
  });
}

/** Why this type cannot be dealt with, if so. */
export function unsupported(type: protobuf.Type): string | undefined {
  const edition = editionOf(type);
  if (edition !== 'proto2' && edition !== 'proto3') {
    return `edition ${edition} is not supported: write syntax = "proto3"`;
  }
  const group = type.fieldsArray.find((field) => field.resolve().delimited);
  if (group) return `${originalName(group)} is a group, which is not supported: give it a message type`;
  return undefined;
}
