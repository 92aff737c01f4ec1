/**
 * How many training samples there are, read from text: "2,000 labelled images", "between 500 and 800 recordings", "at least 10k
 * rows". A number counts when the sentence speaks of data that is at hand (have, collected, labelled, archive …) and no rate
 * follows ("500 images a day").
 */
import type { Sentence } from './text.js';
import { NUMBER, numberOf } from './text.js';

export interface SamplesReading {
  bound: 'at_least' | 'at_most' | 'exactly';
  count: number;
  field: string;
  phrase: string;
}

const SCALE = String.raw`(?:k\b|m\b| thousand\b| million\b)`;
const COUNT = `${NUMBER}${SCALE}?`;
const NOUN = `(?:images?|photos?|photographs?|pictures?|samples|examples|rows|records|recordings|clips|videos|documents|contracts|e-?mails|messages|tickets|reviews|sentences|sentence pairs|pairs|utterances|texts|articles|files|scans|x-?rays|frames|transactions|measurements|observations|readings|data ?points|cases|entries|invoices|annotations|instances|tweets|posts|abstracts|questions|series|spectrograms|snippets|claims|customers|patients)`;
/** Words between number and noun; units and words that begin another thing are none of them. */
const ADJECTIVE = String.raw`(?!(?:of|in|from|per|and|or|to|by|with|for|different|classes|class|kinds?|types?|categor\w*|hours?|minutes?|mins?|seconds?|secs?|ms|s|days?|weeks?|months?|years?|[km]?hz|bits?|[kmg]i?b|mp|megapixels?|dpi|px|pixels?|mm|cm|m|km|pages?|channels?|times|x(?!-)|fps|languages?|sensors?|cameras?|people|machines)\b)[\w'-]+ `;
const LOW = `at least|a minimum of|minimum|more than|over|no fewer than|not fewer than|no less than|upwards of`;
const HIGH = `up to|at most|a maximum of|maximum|fewer than|less than|no more than|not more than|under|only up to`;

const RANGE = new RegExp(
  String.raw`(?:between |from )?(?<![\w.,×-])(?<low>${COUNT}) ?(?:and|to|-|–|—) ?(?<high>${COUNT}) (?:${ADJECTIVE}){0,3}${NOUN}\b`,
  'gi',
);
const SINGLE = new RegExp(
  String.raw`(?:\b(?:(?<atLeast>${LOW})|(?<atMost>${HIGH})) (?:about )?)?(?<![\w.,×-])(?<count>${COUNT}) (?:${ADJECTIVE}){0,3}${NOUN}\b`,
  'gi',
);
const AT_HAND =
  /\b(?:have|has|had|collect\w*|label+ed|annotat\w*|available|train\w*|data ?sets?|archiv\w*|histor\w*|samples|examples|provide\w*|gather\w*|tagged|own|there are|exist\w*|stored|past|sorted|curated|corpus|got|hold|holds)\b/i;
const RATE_AFTER =
  /^ ?(?:per|an?|each|every|\/|daily|weekly|monthly)\b ?(?:s|sec|second|min|minute|hour|day|week|month|shift|year|night)?/i;
const SCREEN = /^[48]k (?:video|image|frame|footage|photo|picture)/i;

/** Every number of samples in one sentence, in order. */
export function samplesIn(sentence: Sentence): SamplesReading[] {
  const { field, text } = sentence;
  if (!AT_HAND.test(text)) return [];
  const readings: SamplesReading[] = [];
  const taken: [number, number][] = [];
  const usable = (match: RegExpExecArray): boolean => {
    const end = match.index + match[0].length;
    if (taken.some(([from, to]) => match.index < to && end > from)) return false;
    if (RATE_AFTER.test(text.slice(end)) || SCREEN.test(match[0])) return false;
    taken.push([match.index, end]);
    return true;
  };
  for (const match of text.matchAll(RANGE)) {
    const low = countOf(match.groups?.low ?? '');
    const high = countOf(match.groups?.high ?? '');
    if (low > high || !usable(match)) continue;
    const phrase = match[0].trim();
    readings.push(
      { bound: 'at_least', count: low, field, phrase },
      { bound: 'at_most', count: high, field, phrase },
    );
  }
  for (const match of text.matchAll(SINGLE)) {
    const count = countOf(match.groups?.count ?? '');
    if (count < 2 || !usable(match)) continue;
    const bound = match.groups?.atLeast ? 'at_least' : match.groups?.atMost ? 'at_most' : 'exactly';
    readings.push({ bound, count, field, phrase: match[0].trim() });
  }
  return readings;
}

function countOf(text: string): number {
  const scale = /(?:k|thousand)$/i.test(text) ? 1000 : /(?:m|million)$/i.test(text) ? 1_000_000 : 1;
  return Math.round(numberOf(text.replace(/\s?(?:k|m|thousand|million)$/i, '')) * scale);
}
