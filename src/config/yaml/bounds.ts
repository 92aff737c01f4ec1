/**
 * The cost of a YAML text, determined before the document is built: the builder recurses once for each level, and one that comes to
 * the end of the stack ends the process.
 *
 * Y1. The tokens are those that the builder itself would see: a scanner of our own could be misled by quotes and comments.
 * Y2. The work is linear in the text and stops at the first bound that is passed.
 */
import { Lexer, LineCounter, Parser } from 'yaml';
import { MAX_GRAPH_BYTES } from '../../model/graph.js';

/** Levels of collections. A graph has five. */
const MAX_DEPTH = 50;
/** Keys, values, marks and the spaces between them: each costs the builder about 2 µs. 1,000 modules with every option have 120,000. */
const MAX_TOKENS = 200_000;
/** Each is looked for among all anchors, so the work is quadratic in their number. One for each module that there may be, and some. */
export const MAX_ALIASES = 1_200;
/** Values, after aliases and merges have been expanded. */
export const MAX_EXPANDED = 100_000;

export interface Excess {
  readonly code: 'too_large' | 'too_deep';
  readonly message: string;
  /** Where in the text, if it is one place. */
  readonly at?: { readonly line: number; readonly col: number };
}

/** Y2. The first bound that the text passes. */
export function excessOf(text: string): Excess | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_GRAPH_BYTES) {
    return { code: 'too_large', message: `the text has ${bytes} bytes, expected at most ${MAX_GRAPH_BYTES}` };
  }
  const lines = new LineCounter();
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  let tokens = 0;
  let aliases = 0;
  for (const token of new Lexer().lex(text)) {
    const start = parser.offset;
    const excess = (code: Excess['code'], message: string): Excess => ({
      code,
      message,
      at: lines.linePos(start),
    });
    for (const _document of parser.next(token)) {
      // Only the depth matters; documents are built by the caller.
    }
    tokens += 1;
    if (token.startsWith('*')) aliases += 1;
    if (depthOf(parser) > MAX_DEPTH) return excess('too_deep', `nested more than ${MAX_DEPTH} levels deep`);
    if (tokens > MAX_TOKENS) return excess('too_large', `more than ${MAX_TOKENS} tokens`);
    if (aliases > MAX_ALIASES) return excess('too_large', `more than ${MAX_ALIASES} aliases (*name)`);
  }
  return undefined;
}

/** Y1. Of the collections that are open: the document is at the bottom of the stack, and a scalar may be on its top. */
function depthOf({ stack }: Parser): number {
  const top = stack.at(-1)?.type;
  const isCollection = top === 'block-map' || top === 'block-seq' || top === 'flow-collection';
  return isCollection ? stack.length - 1 : stack.length - 2;
}

/** Whether aliases and merges have made more of a document than is looked at. */
export function expandsTooFar(value: unknown): boolean {
  let seen = 0;
  const waiting: unknown[] = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    seen += 1;
    if (seen > MAX_EXPANDED) return true;
    if (typeof next !== 'object' || next === null) continue;
    for (const key of Object.keys(next)) {
      waiting.push((next as Record<string, unknown>)[key]);
      if (waiting.length > MAX_EXPANDED) return true;
    }
  }
  return false;
}
