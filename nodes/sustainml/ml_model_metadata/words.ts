/**
 * A text as a list of words, each with the sentence and clause it stands in and whether it is taken back.
 *
 * A word is a run of letters and digits in any script, without case and accents; hyphens part words, apostrophes do not, a
 * possessive "'s" is dropped. Clauses end at `, . ; : ! ? ( )`, at a new line and at "but"; sentences at `. ; ! ?` and at a new line.
 * A word is taken back when one of the four words before it in its clause is a negator ("no", "without", "don't", …), or when
 * its clause goes on, within four words, with "not needed" or the like.
 */

export interface Word {
  /** Lower case, without accents and apostrophes. */
  text: string;
  sentence: number;
  clause: number;
  negated: boolean;
}

/** Words of one text that are read; the rest is ignored. Bounds time and memory on any input. */
export const MAX_WORDS = 20_000;
const MAX_CHARACTERS = MAX_WORDS * 10;

const NEGATION_REACH = 4;
const NEGATORS = new Set(
  'no not without never neither nor dont doesnt didnt isnt arent wasnt wont shouldnt neednt instead rather except'.split(
    ' ',
  ),
);
/** What turns a negator into none: "or not", "not only", "not sure", "no idea", "not (want to) miss", "no longer". */
const HARMLESS_AFTER = new Set('only sure idea matter longer know miss just clear more'.split(' '));
const HARMLESS_BEFORE = new Set(['or']);
const UNWANTED = new Set('needed required necessary wanted interesting relevant important asked'.split(' '));

/** The words of a text, at most {@link MAX_WORDS}. */
export function wordsOf(text: string): Word[] {
  const plain = text
    .slice(0, MAX_CHARACTERS)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[‘’]/g, "'")
    .replace(/'s\b/g, '')
    .replace(/'/g, '');
  const words: Word[] = [];
  let sentence = 0;
  let clause = 0;
  for (const [piece] of plain.matchAll(/\p{N}+(?:[.,]\p{N}+)+|[\p{L}\p{N}]+|[.;!?\n]|[,:()]/gu)) {
    if (/^[.;!?\n]$/.test(piece)) {
      sentence++;
      clause++;
    } else if (/^[,:()]$/.test(piece)) clause++;
    else {
      if (piece === 'but') clause++;
      words.push({ text: piece, sentence, clause, negated: false });
      if (words.length === MAX_WORDS) break;
    }
  }
  markNegated(words);
  return words;
}

function markNegated(words: Word[]): void {
  words.forEach((word, at) => {
    if (NEGATORS.has(word.text) && !isHarmless(words, at)) {
      for (const next of words.slice(at + 1, at + 1 + NEGATION_REACH)) {
        if (next.clause !== word.clause) break;
        next.negated = true;
      }
    }
    if (isUnwanted(words, at)) {
      for (const before of words.slice(Math.max(0, at - NEGATION_REACH), at)) {
        if (before.clause === word.clause) before.negated = true;
      }
    }
  });
}

function isHarmless(words: readonly Word[], at: number): boolean {
  const before = words[at - 1]?.text ?? '';
  const after = words.slice(at + 1, at + 4).map((word) => word.text);
  if (HARMLESS_BEFORE.has(before) || HARMLESS_AFTER.has(after[0] ?? '')) return true;
  return after.includes('miss') || (words[at]?.text === 'rather' && after[0] !== 'than');
}

/** "is not needed", "are not really required", "is unnecessary", at the word "not", "isnt" or "unnecessary". */
function isUnwanted(words: readonly Word[], at: number): boolean {
  const word = words[at]?.text ?? '';
  if (word === 'unnecessary') return true;
  if (!['not', 'isnt', 'arent'].includes(word)) return false;
  return words
    .slice(at + 1, at + 3)
    .some((next) => UNWANTED.has(next.text) && next.clause === words[at]?.clause);
}
