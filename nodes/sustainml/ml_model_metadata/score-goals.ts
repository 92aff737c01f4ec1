/**
 * The goals that an input asks for, by the lexicon.
 *
 *     task(goal)     = sum over the terms found of weight(term, goal) * field factor      (a term counts once, where it counts most)
 *                      + default_goal_weight * share(kind), when goal is the kind's default
 *     evidence(kind) = modality_weight, when the modality names it, + min(data_cap, sum over data terms of weight * field factor)
 *     share(kind)    = evidence(kind) / the largest evidence                    (no evidence at all: 1 for every kind)
 *     fit(goal)      = max(fit_floor, max over kinds of affinity(goal, kind) * share(kind))
 *     score(goal)    = task(goal) * fit(goal)
 *
 * A goal is listed when its score reaches min_score and min_share_of_best of the best score. Terms that the text takes back ("no
 * detection needed") count nothing.
 */
import type { UserInput } from '../types.js';
import type { Found, Lexicon, TermIndex } from './lexicon.js';
import { findTerms } from './lexicon.js';
import type { Word } from './words.js';
import { wordsOf } from './words.js';

export interface Contribution {
  term: string;
  field: string;
  /** Weight times field factor. */
  points: number;
}

export interface GoalScore {
  goal: string;
  score: number;
  task: number;
  fit: number;
  terms: Contribution[];
}

export interface Scores {
  /** Goals that have any task points, best first. */
  goals: GoalScore[];
  /** How many of them are listed. */
  listed: number;
  /** Share of each kind of data, 0 to 1. */
  data: Record<string, number>;
  /** Terms that count nothing because the text takes them back. */
  taken_back: string[];
}

/** The words of each field of the user's own. */
export interface FieldWords {
  field: string;
  words: Word[];
}

interface Kinds {
  share: ReadonlyMap<string, number>;
  known: boolean;
}

/** The fields that hold the user's own words, as words; the items of a list are one text each. */
export function fieldWords(input: UserInput): FieldWords[] {
  return [
    { field: 'problem_short_description', words: wordsOf(input.problem_short_description) },
    { field: 'problem_definition', words: wordsOf(input.problem_definition) },
    { field: 'inputs', words: wordsOf(input.inputs.join('\n')) },
    { field: 'outputs', words: wordsOf(input.outputs.join('\n')) },
  ];
}

export function scoreGoals(
  modality: string,
  fields: readonly FieldWords[],
  lexicon: Lexicon,
  tasks: TermIndex,
  data: TermIndex,
): Scores {
  const takenBack = new Set<string>();
  const taskTerms = bestByTerm(fields, tasks, lexicon.field_factors, takenBack);
  const kinds = kindsOf(modality, fields, lexicon, data);

  const scored = Object.keys(lexicon.goals).map((goal): GoalScore => {
    const terms = [...taskTerms.values()].flatMap(({ found, field, factor }): Contribution[] => {
      const weight = found.weights.get(goal) ?? 0;
      return weight > 0 ? [{ term: found.name, field, points: weight * factor }] : [];
    });
    for (const [kind, { default_goal }] of Object.entries(lexicon.kinds)) {
      const share = kinds.known ? (kinds.share.get(kind) ?? 0) : 0;
      if (default_goal !== goal || share === 0) continue;
      terms.push({ term: `(data: ${kind})`, field: 'modality', points: lexicon.default_goal_weight * share });
    }
    terms.sort((a, b) => b.points - a.points || (a.term < b.term ? -1 : 1));
    const task = terms.reduce((sum, term) => sum + term.points, 0);
    const fit = fitOf(goal, lexicon, kinds);
    return { goal, score: rounded(task * fit), task: rounded(task), fit: rounded(fit), terms };
  });
  const goals = scored
    .filter((goal) => goal.task > 0)
    .sort((a, b) => b.score - a.score || (a.goal < b.goal ? -1 : 1));
  const least = Math.max(lexicon.min_score, (goals[0]?.score ?? 0) * lexicon.min_share_of_best);
  return {
    goals,
    listed: goals.filter((goal) => goal.score >= least).length,
    data: Object.fromEntries([...kinds.share].map(([kind, share]) => [kind, rounded(share)])),
    taken_back: [...takenBack].filter((term) => !taskTerms.has(term)).sort(),
  };
}

interface Placed {
  found: Found;
  field: string;
  factor: number;
}

/** Each term that stands unnegated somewhere, in the field where it counts most (the first of equals). */
function bestByTerm(
  fields: readonly FieldWords[],
  index: TermIndex,
  factors: Readonly<Record<string, number>>,
  takenBack: Set<string>,
): Map<string, Placed> {
  const best = new Map<string, Placed>();
  for (const { field, words } of fields) {
    const factor = factors[field] ?? 0;
    for (const found of findTerms(index, words)) {
      if (found.negated) takenBack.add(found.name);
      else if (factor > (best.get(found.name)?.factor ?? 0)) best.set(found.name, { found, field, factor });
    }
  }
  return best;
}

function kindsOf(modality: string, fields: readonly FieldWords[], lexicon: Lexicon, data: TermIndex): Kinds {
  const said = ` ${wordsOf(modality)
    .map((word) => word.text)
    .join(' ')} `;
  const found = bestByTerm(fields, data, lexicon.data_field_factors, new Set());
  const evidence = Object.entries(lexicon.kinds).map(([kind, { names }]): [string, number] => {
    const words = [...found.values()].reduce(
      (sum, { found: term, factor }) => sum + (term.weights.get(kind) ?? 0) * factor,
      0,
    );
    const named = names.some((name) => said.includes(` ${name} `));
    return [kind, (named ? lexicon.modality_weight : 0) + Math.min(lexicon.data_cap, words)];
  });
  const most = Math.max(...evidence.map(([, points]) => points));
  if (most === 0) return { share: new Map(evidence.map(([kind]) => [kind, 1])), known: false };
  return { share: new Map(evidence.map(([kind, points]) => [kind, points / most])), known: true };
}

function fitOf(goal: string, lexicon: Lexicon, kinds: Kinds): number {
  const fits = Object.entries(lexicon.goals[goal] ?? {}).map(
    ([kind, affinity]) => affinity * (kinds.share.get(kind) ?? 0),
  );
  return Math.max(lexicon.fit_floor, ...fits);
}

/** Three decimals, so that the sum of floating-point terms never decides an order. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
