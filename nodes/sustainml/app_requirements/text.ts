/** What the readers of requirements share: where a text comes from, sentences, numbers, negation. */
import type { UserInput } from '../types.js';

/** One sentence of one field of the user's input. */
export interface Sentence {
  /** The field it stands in: `problem_definition`, `inputs[0]`, … */
  field: string;
  text: string;
}

/** One requirement and the words that it was read from. */
export interface Reading {
  requirement: string;
  field: string;
  phrase: string;
  /** What was done with the phrase when that is not plain. */
  note?: string;
}

/** Characters of one field that are read; the rest is ignored, and `extra_data` says so. */
export const MAX_FIELD_CHARACTERS = 50_000;

/** A number as people write it: `50`, `33.3`, `1,500`, `2 000`. */
export const NUMBER: string = String.raw`(?:\d{1,3}(?:[,\u00a0 ]\d{3})+(?!\d)|\d{1,12})(?:\.\d{1,6})?`;

/** A number in words, as far as people write them before a unit. */
const WORD_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['a tenth of a', 0.1],
  ['a quarter of a', 0.25],
  ['half a', 0.5],
  ['a', 1],
  ['one', 1],
  ['two', 2],
  ['three', 3],
  ['four', 4],
  ['five', 5],
  ['six', 6],
  ['eight', 8],
  ['ten', 10],
  ['twenty', 20],
  ['thirty', 30],
  ['fifty', 50],
]);

/** `NUMBER` or a number in words. */
export const NUMBER_OR_WORD: string = `(?:${NUMBER}|${[...WORD_NUMBERS.keys()].join('|')})`;

/** The value of a text that `NUMBER_OR_WORD` matched. */
export function numberOf(text: string): number {
  return WORD_NUMBERS.get(text.toLowerCase().replace(/\s+/g, ' ')) ?? Number(text.replace(/[,\u00a0 ]/g, ''));
}

/** All sentences of the fields that hold the user's own words. */
export function sentencesOf(input: UserInput): Sentence[] {
  const fields: [string, string][] = [
    ['problem_short_description', input.problem_short_description],
    ['problem_definition', input.problem_definition],
    ...input.inputs.map((text, at): [string, string] => [`inputs[${at}]`, text]),
    ...input.outputs.map((text, at): [string, string] => [`outputs[${at}]`, text]),
  ];
  return fields.flatMap(([field, text]) =>
    text
      .slice(0, MAX_FIELD_CHARACTERS)
      .replace(/[‘’]/g, "'")
      .split(/(?<=[.!?;])\s+|\n+/)
      .map((sentence) => ({ field, text: sentence.trim() }))
      .filter((sentence) => sentence.text !== ''),
  );
}

const NEGATED_BEFORE =
  /(?:\b(?:no|not|never|without|neither|nor|cannot)\b(?! only\b| matter\b)|n't\b)(?:[ -][\w'-]+){0,4}[ -]?$/i;
const NEGATED_AFTER =
  /^[\w' -]{0,25}?\b(?:(?:is|are|was|be)(?: not|n't)(?: [\w-]+)? (?:needed|required|necessary|important|critical|relevant|an? (?:issue|concern|problem|requirement|must))|(?:does|do)(?: not|n't) matter|(?:is|are) (?:optional|irrelevant|unnecessary|unimportant|no (?:issue|concern|problem|requirement)))/i;

/** Whether the words around a match take it back: "no need to explain", "real time is not required". */
export function isNegated(sentence: string, start: number, end: number): boolean {
  const clause = sentence.slice(Math.max(0, start - 60), start).split(/[,:()]|\bbut\b|\band\b/i);
  return NEGATED_BEFORE.test(clause.at(-1) ?? '') || NEGATED_AFTER.test(sentence.slice(end, end + 60));
}
