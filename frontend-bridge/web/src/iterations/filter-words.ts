/** Suggestions in a filter, at the place where a person writes. */

export interface Completion {
  /** The stretch of the text that it replaces. */
  readonly from: number;
  readonly to: number;
  readonly words: readonly string[];
}

const OPERATORS = ['=', '!=', '<', '<=', '>', '>=', '~', 'has'];
const CONJUNCTIONS = ['and', 'or'];
const CONSTANTS = ['true', 'false', 'null', 'NaN'];
const STATES = ['succeeded', 'failed', 'running', 'pending', 'cancelled', 'aborted', 'suspended'].map(
  (state) => `"${state}"`,
);
const TOKEN = /\s*("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|<=|>=|!=|[=<>~()]|[^\s=<>~!()"']+)/g;
const MOST = 12;

/** What a field is compared with, what joins comparisons, and which fields there are. */
export function completionAt(text: string, cursor: number, fields: readonly string[]): Completion {
  const before = text.slice(0, cursor);
  const tokens = [...before.matchAll(TOKEN)].map(([, token = '']) => token);
  const isWithin = before !== '' && !/\s$/.test(before) && /[\w."']$/.test(before);
  const typed = isWithin ? (tokens.pop() ?? '') : '';
  const words = next(tokens, fields).filter((word) => fits(word, typed));
  const end = /^[\w.-]*/.exec(text.slice(cursor))?.[0].length ?? 0;
  return { from: cursor - typed.length, to: cursor + (isWithin ? end : 0), words: words.slice(0, MOST) };
}

function fits(word: string, typed: string): boolean {
  const [plain, wanted] = [word.toLowerCase(), typed.toLowerCase()];
  return plain !== wanted && plain.includes(wanted);
}

function next(tokens: readonly string[], fields: readonly string[]): readonly string[] {
  const [previous, last] = [tokens.at(-2), tokens.at(-1)];
  if (last === undefined || last === '(' || /^(and|or|not)$/i.test(last)) return [...fields, 'not'];
  if (OPERATORS.includes(last)) return previous === 'state' ? STATES : CONSTANTS;
  const isValue = previous !== undefined && OPERATORS.includes(previous);
  return isValue || last === ')' ? CONJUNCTIONS : OPERATORS;
}

/** Where a refusal says that a filter is at fault: counted from 1. */
export function faultPosition(message: string): number | undefined {
  const [, digits] = /position (\d+)/.exec(message) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
