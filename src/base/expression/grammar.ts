/**
 * The language of `filter=` and of conditions (`when:`), as a parsing expression grammar: comparisons, `not`, `and`, `or` (binding in this order), parentheses.
 *
 *     carbon_footprint.carbon_footprint < 0.2 and state = "succeeded" or title ~ "steel" and tags has "paper"
 *
 * Every field and value keeps its place in the text, so that what is wrong with its meaning is shown where it stands too.
 */
import peggy from 'peggy';
import type { Expression } from './expression.js';

const GRAMMAR = String.raw`
Filter = _ @Or _

Or = head:And tail:(_ "or"i End _ @And)* { return tail.length === 0 ? head : { kind: 'or', of: [head, ...tail] }; }

And = head:Not tail:(_ "and"i End _ @Not)* { return tail.length === 0 ? head : { kind: 'and', of: [head, ...tail] }; }

Not = "not"i End _ of:Not { return { kind: 'not', of }; }
  / "(" _ @Or _ ")"
  / Comparison

Comparison = field:Field _ operator:Operator _ value:Value {
  return { kind: 'compare', field: field.text, at: field.at, operator, value: value.value, valueAt: value.at };
}

Field "a field" = !(Word End) First Rest* ("." Rest+)* { return { text: text(), at: offset() + 1 }; }
First = [A-Za-z_]
Rest = [A-Za-z0-9_-]
Word = "and"i / "or"i / "not"i

Operator "a comparison (=, !=, <, <=, >, >=, ~, has)" = "<=" / ">=" / "!=" / "=" / "<" / ">" / "~" / "has"i End { return "has"; }

Value "a number, a quoted text, true, false or null" = value:(Number / NoFinite / Text / Constant) { return { value, at: offset() + 1 }; }
Number = "-"? [0-9]+ ("." [0-9]+)? ("e"i [+-]? [0-9]+)? !Rest { return Number(text()); }
NoFinite = "NaN" End { return NaN; } / "Infinity" End { return Infinity; } / "-Infinity" End { return -Infinity; }
Text = '"' @Characters '"' / "'" @SingleCharacters "'"
Characters = parts:([^"\\]+ { return text(); } / Escape)* { return parts.join(''); }
SingleCharacters = parts:([^'\\]+ { return text(); } / Escape)* { return parts.join(''); }
Escape = "\\" @["'\\]
Constant = "true" End { return true; } / "false" End { return false; } / "null" End { return null; }

End = ![A-Za-z0-9_.-]
_ "" = [ \t\r\n]*
`;

/** Longer ones are refused; what is within it nests no deeper than the parser can go. */
export const MAX_EXPRESSION_CHARACTERS = 1000;

export type ParsedExpression =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly position: number; readonly message: string };

export type ExpressionParser = (text: string) => ParsedExpression;

/** A parser; it is made once, since reading the grammar takes some milliseconds. Positions count characters from 1. */
export function createExpressionParser(): ExpressionParser {
  const { parse } = peggy.generate(GRAMMAR);
  return (text) => {
    if (text.length > MAX_EXPRESSION_CHARACTERS) {
      const message = `an expression has at most ${MAX_EXPRESSION_CHARACTERS} characters, this one has ${text.length}`;
      return { ok: false, position: MAX_EXPRESSION_CHARACTERS + 1, message };
    }
    try {
      return { ok: true, expression: parse(text) as Expression };
    } catch (thrown) {
      if (!isSyntaxError(thrown)) throw thrown;
      return { ok: false, position: thrown.location.start.offset + 1, message: thrown.message };
    }
  };
}

function isSyntaxError(thrown: unknown): thrown is {
  readonly message: string;
  readonly location: { readonly start: { readonly offset: number } };
} {
  return thrown instanceof Error && 'location' in thrown && 'expected' in thrown;
}
