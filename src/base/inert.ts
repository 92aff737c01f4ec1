/**
 * Text from others as a terminal may show it: control characters and invisible ones stand as escapes, so nothing that a node or a
 * submitter wrote can move the cursor, write the clipboard, hide a part of a line or turn its order around.
 */

/**
 * C0 and C1 controls but tab and line feed, DEL, format characters (bidirectional controls, zero-width characters, the byte order mark,
 * tags), line and paragraph separators, halves of surrogate pairs, and fillers that are drawn as nothing.
 */
const UNSAFE = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u115f\u1160\u3164\uffa0]/gu;
/** Those of them that JSON leaves as they are. */
const UNSAFE_IN_JSON =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** For people: `\x1b`, `\u202e`, `\u{e0041}`. Line feeds and tabs stay. */
export function inertText(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0)!;
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** The same JSON document, in which characters that a terminal might act on are JSON's own escapes, which mean the same. */
export function inertJson(json: string): string {
  return json.replace(
    UNSAFE_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
