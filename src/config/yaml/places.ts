/** The line and column of each fault in a YAML text, found by its path, for a person who has the text open in an editor. */
import { isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { Fault } from '../../base/errors.js';

/** Both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The text is read once more, so it has to be one that this machine's own user has given. */
export function placesIn(text: string): (path: string) => Place | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    uniqueKeys: false,
    logLevel: 'silent',
  });
  return (path) => {
    const offset = offsetOf(document.contents, partsOf(path));
    if (offset === undefined) return undefined;
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
}

/** The same faults with their lines. Those about the whole text, and about its syntax, say theirs already. */
export function withPlaces(faults: readonly Fault[], text: string): Fault[] {
  const placeOf = placesIn(text);
  return faults.map((fault) => (fault.path === '' ? fault : { ...fault, ...placeOf(fault.path) }));
}

/** `modules.ml_model.inputs[1]`, `modules["a b"]`, as `formatPath` writes them. */
function partsOf(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g)].map(([, index, quoted, word]) =>
    index === undefined ? (word ?? (JSON.parse(`"${quoted}"`) as string)) : Number(index),
  );
}

/** Of the key where there is one: a value may be long, or missing. What is not there is looked for where it would have to be. */
function offsetOf(root: Node | null, parts: readonly (string | number)[]): number | undefined {
  let offset: number | undefined;
  let node: unknown = root;
  for (const part of parts) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (pair === undefined) break;
      offset = isNode(pair.key) ? pair.key.range?.[0] : undefined;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      if (!isNode(node)) break;
      offset = node.range?.[0];
    } else break;
  }
  return offset;
}
