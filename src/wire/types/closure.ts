/** A choice of types with all that they need, as top-level declarations: what has to be handed on for somebody else to read them. */
import protobuf from 'protobufjs';
import { fullNameOf, messagesIn } from './reflection.js';

export type Declaration = protobuf.Type | protobuf.Enum;

/** The top-level declaration that holds this one, maybe itself. */
export function topLevel(declaration: Declaration): Declaration {
  let top: Declaration = declaration;
  while (top.parent instanceof protobuf.Type) top = top.parent;
  return top;
}

/** The top-level declarations that a top-level declaration's fields name, without itself. */
export function needsOf(declaration: Declaration): Set<Declaration> {
  const needs = new Set<Declaration>();
  if (declaration instanceof protobuf.Enum) return needs;
  for (const type of [declaration, ...messagesIn(declaration)]) {
    for (const field of type.fieldsArray) {
      const { resolvedType } = field.resolve();
      if (resolvedType) needs.add(topLevel(resolvedType));
    }
  }
  needs.delete(declaration);
  return needs;
}

/** These types' top-level declarations and all that they need, by name. */
export function closureOf(types: readonly protobuf.Type[]): Declaration[] {
  const reached = new Set<Declaration>();
  const waiting = types.map((type) => topLevel(type));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    waiting.push(...needsOf(next));
    // It may hold any message of the same folders.
    if (fullNameOf(next) === 'google.protobuf.Any') waiting.push(...messagesIn(next.root).map(topLevel));
  }
  return [...reached].sort((a, b) => (fullNameOf(a) < fullNameOf(b) ? -1 : 1));
}

/** As a protobufjs root in JSON. The same declarations give the same JSON. */
export function declarationsToJson(declarations: readonly Declaration[]): Record<string, unknown> {
  const root: protobuf.INamespace & { nested: Record<string, protobuf.AnyNestedObject> } = { nested: {} };
  for (const declaration of declarations) {
    let into = root.nested;
    for (const part of fullNameOf(declaration).split('.').slice(0, -1)) {
      into[part] ??= { nested: {} };
      into = (into[part] as typeof root).nested;
    }
    into[declaration.name] = declaration.toJSON({ keepComments: true });
  }
  return JSON.parse(JSON.stringify(root)) as Record<string, unknown>;
}
