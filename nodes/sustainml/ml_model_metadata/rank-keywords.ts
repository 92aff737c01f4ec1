/**
 * The words that characterise a problem.
 *
 *     score(word) = sum over fields of factor(field) * (1 + ln(count in the field))
 *     factors: problem_short_description 3, outputs 2, inputs 2, problem_definition 1
 *
 * Stop words, numbers, words of one letter, and words that say nothing about one problem rather than another ("model", "system") do not
 * count. Singular and plural are one word, shown as the singular. A pair of neighbours that stands at least twice in the fields is a keyword of its
 * own with 1.5 times its score. Ties go by the earlier word.
 */
import type { FieldWords } from './score-goals.js';

export interface Keyword {
  keyword: string;
  score: number;
}

/** Keywords that are given at most. */
export const MAX_KEYWORDS = 15;
const PAIR_FACTOR = 1.5;
const FIELD_FACTORS: Readonly<Record<string, number>> = {
  problem_short_description: 3,
  problem_definition: 1,
  inputs: 2,
  outputs: 2,
};

interface Tally {
  perField: Map<string, number>;
  first: number;
  pair: boolean;
}

/** The keywords of the fields, best first, at most {@link MAX_KEYWORDS}. `passedOver`: stop words and generic words of the lexicon. */
export function rankKeywords(fields: readonly FieldWords[], passedOver: ReadonlySet<string>): Keyword[] {
  const tallies = new Map<string, Tally>();
  let seen = 0;
  const characterises = (word: string): boolean => !passedOver.has(word) && saysSomething(word);
  const count = (keyword: string, field: string, pair: boolean): void => {
    const tally = tallies.get(keyword) ?? { perField: new Map<string, number>(), first: seen++, pair };
    tally.perField.set(field, (tally.perField.get(field) ?? 0) + 1);
    tallies.set(keyword, tally);
  };
  for (const { field, words } of fields) {
    words.forEach((word, at) => {
      if (!characterises(word.text)) return;
      count(singular(word.text), field, false);
      const next = words[at + 1];
      if (next !== undefined && next.clause === word.clause && characterises(next.text)) {
        count(`${singular(word.text)} ${singular(next.text)}`, field, true);
      }
    });
  }
  return [...tallies]
    .filter(([, { pair, perField }]) => !pair || total(perField) >= 2)
    .map(([keyword, tally]) => ({ keyword, first: tally.first, score: scoreOf(tally) }))
    .sort((a, b) => b.score - a.score || a.first - b.first)
    .slice(0, MAX_KEYWORDS)
    .map(({ keyword, score }) => ({ keyword, score }));
}

function saysSomething(word: string): boolean {
  // One letter says nothing in an alphabet, but a whole word in Chinese or Japanese; digits alone say nothing.
  return (
    !/^\p{N}/u.test(word) &&
    (word.length > 1 || !/^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]$/u.test(word))
  );
}

function total(perField: ReadonlyMap<string, number>): number {
  return [...perField.values()].reduce((sum, times) => sum + times, 0);
}

function scoreOf({ perField, pair }: Tally): number {
  let score = 0;
  for (const [field, times] of perField) score += (FIELD_FACTORS[field] ?? 1) * (1 + Math.log(times));
  return Math.round(score * (pair ? PAIR_FACTOR : 1) * 1000) / 1000;
}

/** Light: English plurals in -s, -es and -ies; words in -ss, -us, -is and -ics stay, and so do short ones and a few by name. */
export function singular(word: string): string {
  if (
    word.length < 4 ||
    !/^[a-z]+$/.test(word) ||
    /(?:ss|us|is|ics|news|series|species|lens|gas|bias|canvas|atlas)$/.test(word)
  )
    return word;
  if (/[^aeiou]ies$/.test(word) && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(?:sh|ch|x|ss|zz)es$/.test(word)) return word.slice(0, -2);
  return word.endsWith('s') ? word.slice(0, -1) : word;
}
