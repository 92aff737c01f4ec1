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

/** Function words of English, written for this list; without apostrophes, as the words come. */
const STOP_WORDS = new Set(
  `a about above after again all almost already also although always am among an and any anybody anyone anything are around as at away
  be became because become been before being below between both but by came can cannot cant come could did didnt do does doesnt doing done
  dont down during each either else enough etc even ever every everybody everyone everything few for from further gave get gets getting
  give given gives go goes going got had has hasnt have havent having he hence her here hers herself him himself his how however i id if ill
  im in into is isnt it its itself ive just keep kept know known last least less let like likely little long made make makes making many may
  me might mine more most much must my myself near need needed needs neither never next no nobody none nor not nothing now of off often on
  once one ones only onto or other others otherwise our ours ourselves out over own per perhaps please put quite rather really same say says
  see seen several shall she should shouldnt since so some somebody someone something sometimes soon still such take taken takes than that
  thats the their theirs them themselves then there therefore these they thing things this those though three through thus to today together
  too took toward towards two under until up upon us use used uses using usually very via want wanted wants was wasnt way we well were what
  whatever when where wherever whether which while who whole whom whose why will with within without wont would yes yet you your yours
  first second third able across along another better best big small large new old good right different various certain main whose
  half four five six seven eight nine ten hundred thousand million`.split(/\s+/),
);
/** Words of every problem statement. */
const GENERIC_WORDS = new Set(
  `model models system systems problem problems solution solutions algorithm algorithms approach approaches application applications machine
  learning ai artificial intelligence neural network networks data dataset datasets sample samples example examples result results
  work works working run runs running help helps tool tools task tasks user users like look looks find finds show shows tell tells
  input inputs output outputs available possible must based build train training trained labelled labeled wish would try tried
  ms fps per second seconds minute minutes`.split(/\s+/),
);

interface Tally {
  perField: Map<string, number>;
  first: number;
  pair: boolean;
}

/** The keywords of the fields, best first, at most {@link MAX_KEYWORDS}. */
export function rankKeywords(fields: readonly FieldWords[]): Keyword[] {
  const tallies = new Map<string, Tally>();
  let seen = 0;
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

function characterises(word: string): boolean {
  if (STOP_WORDS.has(word) || GENERIC_WORDS.has(word)) return false;
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
