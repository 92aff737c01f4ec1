/** The parser of conditions in graph files. Reading its grammar takes some milliseconds: it is made when a graph has the first of them. */
import { createExpressionParser, type ExpressionParser } from '../../base/expression/grammar.js';

let parser: ExpressionParser | undefined;

export const parseExpression: ExpressionParser = (text) => {
  parser ??= createExpressionParser();
  return parser(text);
};
