/** What a problem is about and the machine-learning goals that it asks for. */
import { NonRetryableError } from 'tutti/sdk';
import { encodeExtraData, readUserExtraData } from '../extra-data.js';
import type { MLModelMetadata, UserInput } from '../types.js';
import type { Lexicon, TermIndex } from './lexicon.js';
import { indexTerms } from './lexicon.js';
import { rankKeywords } from './rank-keywords.js';
import type { GoalScore } from './score-goals.js';
import { fieldWords, scoreGoals } from './score-goals.js';
import { MAX_WORDS } from './words.js';

/** A lexicon made ready. */
export interface MetadataReader {
  readonly lexicon: Lexicon;
  readonly tasks: TermIndex;
  readonly data: TermIndex;
  /** Words that are not keywords. */
  readonly passedOver: ReadonlySet<string>;
}

export function metadataReader(lexicon: Lexicon): MetadataReader {
  return {
    lexicon,
    tasks: indexTerms(lexicon.terms, lexicon.groups),
    data: indexTerms(lexicon.data_terms),
    passedOver: new Set([...lexicon.stop_words, ...lexicon.generic_words]),
  };
}

/**
 * Keywords and goals of a user input, both best first.
 *
 * Goals that `extra_data.goal` of the user names come first, in its order, whatever the text says.
 *
 * `extra_data`: `asked` (those), `goals` (each listed goal with score, task points, fit and the terms that made it), `below_threshold` (the same for the
 * rest, without terms), `data` (the share of each kind of data), `taken_back` (terms that the text negates), `keywords` with scores,
 * `thresholds`, `notes`.
 *
 * @throws NonRetryableError `bad_extra_data`, naming the field.
 * @throws NonRetryableError `no_goal_found` when no goal is named and none reaches the threshold; the message says what would help.
 */
export function readMetadata(input: UserInput, reader: MetadataReader): MLModelMetadata {
  const { lexicon } = reader;
  const fields = fieldWords(input);
  const scores = scoreGoals(input.modality, fields, lexicon, reader.tasks, reader.data);
  const { goal: given = [] } = readUserExtraData(input.extra_data);
  const { goals: chosen, notes } = chosenGoals(given, lexicon);
  if (scores.listed === 0 && chosen.length === 0)
    throw noGoal(input, fields, scores.goals, scores.taken_back, lexicon);

  const keywords = rankKeywords(fields, reader.passedOver);
  const listed = scores.goals.slice(0, scores.listed);
  return {
    keywords: keywords.map(({ keyword }) => keyword),
    ml_model_metadata: [...new Set([...chosen, ...listed.map(({ goal }) => goal)])],
    extra_data: encodeExtraData({
      ...(given.length > 0 && { asked: given }),
      goals: listed,
      below_threshold: scores.goals.slice(scores.listed).map(({ goal, score }) => ({ goal, score })),
      data: scores.data,
      taken_back: scores.taken_back,
      keywords,
      thresholds: { min_score: lexicon.min_score, min_share_of_best: lexicon.min_share_of_best },
      notes: [
        ...notes,
        ...fields
          .filter(({ words }) => words.length === MAX_WORDS)
          .map(({ field }) => `Only the first ${MAX_WORDS} words of ${field} were read.`),
      ],
    }),
  };
}

/** The goals that the user names, as the lexicon writes them: "Image Classification" is `image_classification`. */
function chosenGoals(given: readonly string[], lexicon: Lexicon): { goals: string[]; notes: string[] } {
  const goals: string[] = [];
  const notes: string[] = [];
  for (const name of given) {
    const goal = name.toLowerCase().replace(/[\s-]+/g, '_');
    if (Object.hasOwn(lexicon.goals, goal)) goals.push(goal);
    else notes.push(`The goal "${name}" of extra_data is not known and was passed over.`);
  }
  return { goals, notes };
}

function noGoal(
  input: UserInput,
  fields: readonly { words: readonly unknown[] }[],
  goals: readonly GoalScore[],
  takenBack: readonly string[],
  lexicon: Lexicon,
): NonRetryableError {
  const best = goals[0];
  const reasons = [
    fields.every(({ words }) => words.length === 0)
      ? 'The input has no text.'
      : best === undefined || best.score === 0
        ? 'No words in it speak for a goal.'
        : `The best guess, ${best.goal}, scores ${best.score} of the ${lexicon.min_score} that are needed.`,
    ...(takenBack.length > 0 ? [`Taken back by the text: ${takenBack.join(', ')}.`] : []),
    ...(input.modality.trim() === '' ? [`Fill in modality: ${Object.keys(lexicon.kinds).join(', ')}.`] : []),
    'Say in English what the model gets and what it should give, as in "classify photos of parts", "count the cars in an image",',
    '"forecast tomorrow\'s demand", and name inputs and outputs.',
    `Known goals: ${Object.keys(lexicon.goals).join(', ')}.`,
  ];
  return new NonRetryableError('no_goal_found', `No machine-learning goal was found. ${reasons.join(' ')}`);
}
