/**
 * `bytes:<media type>`, such as `bytes:image/png`: bytes of a kind that the graph names. Plain `bytes` may be of any kind.
 * They are encoded, stored and sent alike; the kind decides how people see them and what a download is called.
 */
const NAMED = /^bytes:([a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,62})$/;

/** Whether payloads of this type are bytes, whatever their kind. */
export function isBytes(type: string): boolean {
  return type === 'bytes' || NAMED.test(type);
}

/** `image/png` of `bytes:image/png`; nothing for plain bytes and for other types. */
export function mediaTypeOf(type: string): string | undefined {
  return NAMED.exec(type)?.[1];
}

/** Whether such bytes are text in UTF-8: a node's author may then give text. */
export function isTextual(mediaType: string): boolean {
  return /^text\/|[/+](json|xml|yaml|toml|x-ndjson|jsonl|javascript)$/.test(mediaType);
}
