/**
 * The lexicon, `data/lexicon.json`, and finding its terms in words.
 *
 * A term is up to six words. `classif*` stands for every word that begins so; `~` stands for none to three further words.
 * A term lies within one sentence. Where terms overlap, the one of more words is taken, then the earlier one: "object detection" is one term,
 * and its "detection" no other.
 */
import { readFileSync } from 'node:fs';
import type { Word } from './words.js';

/** The file as it is; the README has the formula that its numbers go into. */
export interface Lexicon {
  about: string;
  /** Factor of a term's weight by the field that it stands in. */
  field_factors: Record<string, number>;
  /** The same for evidence of the kind of data. */
  data_field_factors: Record<string, number>;
  /** Evidence that the modality field gives for the kinds it names. */
  modality_weight: number;
  /** The most evidence that words alone give for one kind. */
  data_cap: number;
  /** The least factor that a goal's fit to the data has. */
  fit_floor: number;
  /** Weight of a kind's default goal. */
  default_goal_weight: number;
  /** The least score of a goal that is listed. */
  min_score: number;
  /** … and the least share of the best goal's score. */
  min_share_of_best: number;
  /** A name that stands for several goals, with a factor for each. */
  groups: Record<string, Record<string, number>>;
  kinds: Record<string, { names: string[]; default_goal: string }>;
  /** Function words of English, without apostrophes; no keywords. */
  stop_words: string[];
  /** Words of every problem statement; no keywords. */
  generic_words: string[];
  /** How well each goal fits each kind of data, 0 to 1; kinds not named do not fit. */
  goals: Record<string, Record<string, number>>;
  /** Term to goals (or groups) and weights. */
  terms: Record<string, Record<string, number>>;
  /** Term to kinds of data and weights. */
  data_terms: Record<string, Record<string, number>>;
}

interface Step {
  text: string;
  prefix: boolean;
  /** None to three words may stand before it. */
  gap: boolean;
}

interface Term {
  name: string;
  steps: Step[];
  weights: ReadonlyMap<string, number>;
}

/** A term where it stands. */
export interface Found {
  name: string;
  weights: ReadonlyMap<string, number>;
  /** Positions of its words. */
  at: number[];
  negated: boolean;
}

/** Terms by how they begin, so that each word meets few of them. */
export interface TermIndex {
  readonly byWord: ReadonlyMap<string, readonly Term[]>;
  readonly byStart: ReadonlyMap<string, readonly Term[]>;
}

const MAX_GAP_WORDS = 3;
const START_LETTERS = 2;

/** Reads the lexicon that comes with the module. */
export function readLexicon(): Lexicon {
  return JSON.parse(readFileSync(new URL('../data/lexicon.json', import.meta.url), 'utf8')) as Lexicon;
}

/** Makes terms ready for {@link findTerms}. Names of groups are replaced by their goals. */
export function indexTerms(
  terms: Readonly<Record<string, Readonly<Record<string, number>>>>,
  groups: Lexicon['groups'] = {},
): TermIndex {
  const byWord = new Map<string, Term[]>();
  const byStart = new Map<string, Term[]>();
  for (const [name, weights] of Object.entries(terms)) {
    const term: Term = { name, steps: stepsOf(name), weights: expanded(weights, groups) };
    const first = term.steps[0];
    if (first === undefined) throw new Error('the lexicon has an empty term');
    const [map, key] = first.prefix ? [byStart, first.text.slice(0, START_LETTERS)] : [byWord, first.text];
    map.set(key, [...(map.get(key) ?? []), term]);
  }
  return { byWord, byStart };
}

/** Every term in the words, none overlapping, in the order in which they stand. */
export function findTerms(index: TermIndex, words: readonly Word[]): Found[] {
  const candidates: Found[] = [];
  words.forEach((word, start) => {
    // Whole words first: where all else is equal ("frames" and "frame*") they are taken.
    const terms = [
      ...(index.byWord.get(word.text) ?? []),
      ...(index.byStart.get(word.text.slice(0, START_LETTERS)) ?? []),
    ];
    for (const { name, steps, weights } of terms) {
      const at = match(steps, words, start);
      if (at === undefined) continue;
      candidates.push({
        name,
        weights,
        at,
        negated: at.some((position) => words[position]?.negated === true),
      });
    }
  });
  candidates.sort(
    (a, b) => b.at.length - a.at.length || (a.at[0] ?? 0) - (b.at[0] ?? 0) || b.name.length - a.name.length,
  );
  const taken = new Set<number>();
  const found = candidates.filter(({ at }) => {
    if (at.some((position) => taken.has(position))) return false;
    for (const position of at) taken.add(position);
    return true;
  });
  return found.sort((a, b) => (a.at[0] ?? 0) - (b.at[0] ?? 0));
}

/** The positions that the steps take from `start`, each as near as it can be, or undefined. */
function match(steps: readonly Step[], words: readonly Word[], start: number): number[] | undefined {
  const at: number[] = [];
  let next = start;
  for (const step of steps) {
    const last = step.gap ? next + MAX_GAP_WORDS : next;
    let position = next;
    while (position <= last && !fits(step, words[position], words[start])) position++;
    if (position > last) return undefined;
    at.push(position);
    next = position + 1;
  }
  return at;
}

function fits(step: Step, word: Word | undefined, first: Word | undefined): boolean {
  if (word === undefined || word.sentence !== first?.sentence) return false;
  return step.prefix ? word.text.startsWith(step.text) : word.text === step.text;
}

function stepsOf(name: string): Step[] {
  const steps: Step[] = [];
  let gap = false;
  for (const piece of name.split(' ')) {
    if (piece === '~') gap = true;
    else {
      const prefix = piece.endsWith('*');
      steps.push({ text: prefix ? piece.slice(0, -1) : piece, prefix, gap });
      gap = false;
    }
  }
  return steps;
}

function expanded(
  weights: Readonly<Record<string, number>>,
  groups: Lexicon['groups'],
): ReadonlyMap<string, number> {
  const goals = new Map<string, number>();
  for (const [name, weight] of Object.entries(weights)) {
    for (const [goal, factor] of Object.entries(groups[name] ?? { [name]: 1 })) {
      goals.set(goal, Math.max(goals.get(goal) ?? 0, weight * factor));
    }
  }
  return goals;
}
