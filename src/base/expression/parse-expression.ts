/** The parser of filters and conditions. Reading its grammar takes some milliseconds: it is made for the first of them. */
import { createExpressionParser, type ExpressionParser } from './grammar.js';

let parser: ExpressionParser | undefined;

export const parseExpression: ExpressionParser = (text) => {
  parser ??= createExpressionParser();
  return parser(text);
};
