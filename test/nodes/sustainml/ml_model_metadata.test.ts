import { describe, expect, it } from 'vitest';
import { findTerms, indexTerms, readLexicon } from '../../../nodes/sustainml/ml_model_metadata/lexicon.js';
import { MAX_KEYWORDS, singular } from '../../../nodes/sustainml/ml_model_metadata/rank-keywords.js';
import { metadataReader, readMetadata } from '../../../nodes/sustainml/ml_model_metadata/read-metadata.js';
import { wordsOf } from '../../../nodes/sustainml/ml_model_metadata/words.js';
import type { UserInput } from '../../../nodes/sustainml/types.js';
import { inputOf, STATEMENTS, userInput } from './problem-statements.js';
import { extra } from './samples.js';

const lexicon = readLexicon();
const reader = metadataReader(lexicon);
const read = (said: Partial<UserInput>) => readMetadata(userInput(said), reader);
const goalsOf = (said: Partial<UserInput>) => read(said).ml_model_metadata;

describe('goals', () => {
  it.each(STATEMENTS)('finds $goal in "$short"', (statement) => {
    expect(readMetadata(inputOf(statement), reader).ml_model_metadata[0]).toBe(statement.goal);
  });

  it('covers every goal of the vocabulary with statements', () => {
    expect(new Set(STATEMENTS.map(({ goal }) => goal))).toEqual(new Set(Object.keys(lexicon.goals)));
  });

  it('still finds most goals when the modality is left out', () => {
    const right = STATEMENTS.filter((statement) => {
      try {
        return (
          readMetadata({ ...inputOf(statement), modality: '' }, reader).ml_model_metadata[0] ===
          statement.goal
        );
      } catch {
        return false;
      }
    });
    expect(right.length / STATEMENTS.length).toBeGreaterThan(0.75);
  });

  it('scores by the documented formula, by hand', () => {
    // task: "forecast*" weighs 6, x1.5 in the short description; the default goal of the only kind of data adds 1; fit is 1.
    const { goals } = extra(read({ modality: 'time series', problem_short_description: 'Forecast beer' }));
    expect(goals[0]).toEqual({
      goal: 'time_series_forecasting',
      score: 10,
      task: 10,
      fit: 1,
      terms: [
        { term: 'forecast*', field: 'problem_short_description', points: 9 },
        { term: '(data: time_series)', field: 'modality', points: 1 },
      ],
    });
  });

  it('weighs a goal by how well it fits the data, by hand', () => {
    // image: modality 4; text: "sentence*" 1.5 + "summar*" 1. share(text) = 2.5 / 4; "summar*" 6 -> 6 * 0.625.
    const all = extra(read({ modality: 'image', problem_definition: 'Classify each sentence. Summarise.' }));
    expect(all.data).toMatchObject({ image: 1, text: 0.625 });
    expect(all.goals[0]).toMatchObject({ goal: 'image_classification', task: 5, score: 5, fit: 1 });
    expect(all.goals[1]).toMatchObject({ goal: 'text_generation', task: 6, fit: 0.625, score: 3.75 });
  });

  it('lists best first and drops what is below the threshold', () => {
    for (const statement of STATEMENTS) {
      const { goals, below_threshold, thresholds } = extra(readMetadata(inputOf(statement), reader));
      const scores = goals.map(({ score }: { score: number }) => score);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
      const least = Math.max(thresholds.min_score, scores[0] * thresholds.min_share_of_best);
      expect(scores.at(-1)).toBeGreaterThanOrEqual(least);
      for (const { score } of below_threshold) expect(score).toBeLessThan(least);
    }
  });

  it.each([
    'No detection needed.',
    'Detection is not needed.',
    'We do not want to detect anything.',
    'Please classify without detecting objects.',
    'Classify rather than detect objects.',
  ])('does not count what the text takes back: "%s"', (text) => {
    const short = 'Classify photos of shoes by brand';
    const with_ = extra(
      read({ modality: 'image', problem_short_description: short, problem_definition: text }),
    );
    const all = [...with_.goals, ...with_.below_threshold] as { goal: string; score: number }[];
    expect(all.find(({ goal }) => goal === 'object_detection')?.score ?? 0).toBeLessThan(1);
    expect(with_.taken_back.length).toBeGreaterThan(0);
    expect(with_.goals[0].goal).toBe('image_classification');
  });

  it('still counts a term that is negated here and wanted there', () => {
    const goals = goalsOf({
      modality: 'image',
      problem_definition:
        'Detect objects on the belt. There may be no objects. We do not want to miss defects.',
    });
    expect(goals[0]).toBe('object_detection');
  });

  it('takes "or not" and "not only" for no negation', () => {
    expect(
      goalsOf({ modality: 'tabular', problem_definition: 'Predict whether or not churn follows.' })[0],
    ).toBe('tabular_classification');
  });

  it.each<[string, Partial<UserInput>]>([
    ['nothing at all', {}],
    ['white space', { problem_definition: ' \n\t ' }],
    ['a modality alone', { modality: 'image' }],
    [
      'words that ask for nothing',
      { problem_definition: 'We are a company in Bilbao with forty employees.' },
    ],
    ['another language', { problem_definition: 'Queremos algo bonito para nuestra empresa.' }],
    ['another script', { modality: '图像', problem_definition: '我们想知道钢板上有没有裂纹。' }],
    ['only what is taken back', { modality: 'image', problem_definition: 'No detection needed.' }],
  ])('fails with no_goal_found and what would help for %s', (_, said) => {
    expect(() => read(said)).toThrow(
      expect.objectContaining({
        code: 'no_goal_found',
        message: expect.stringMatching(/what the model gets .*Known goals: .*object_detection/s),
      }),
    );
  });

  it('reads accents, typographic apostrophes and capitals', () => {
    expect(goalsOf({ modality: 'IMAGE', problem_definition: 'DÉTECT OBJECTS; we don’t translate' })[0]).toBe(
      'object_detection',
    );
  });

  it('does not care for the order of runs: the same input gives the same bytes', () => {
    for (const statement of STATEMENTS) {
      expect(readMetadata(inputOf(statement), reader)).toEqual(readMetadata(inputOf(statement), reader));
    }
  });

  it('reads a huge text in bounded time and says that it stopped', () => {
    const start = performance.now();
    const text =
      'detect predict whether the image in which kind of objects are counted next to forecast '.repeat(
        60_000,
      );
    const metadata = read({ modality: 'image', problem_definition: text });
    expect(performance.now() - start).toBeLessThan(5000);
    expect(extra(metadata).notes[0]).toContain('problem_definition');
    expect(metadata.keywords.length).toBeLessThanOrEqual(MAX_KEYWORDS);
  });
});

describe('keywords', () => {
  it('ranks the words that characterise the problem, without stop words', () => {
    const { keywords } = read({
      modality: 'image',
      problem_short_description: 'Surface defects on steel strip',
      problem_definition: 'Detect the defects of the surface of a steel strip. Steel strip is rolled.',
      outputs: ['defect class'],
    });
    expect(keywords.slice(0, 4)).toEqual(expect.arrayContaining(['steel strip', 'defect', 'steel', 'strip']));
    expect(keywords).not.toContain('the');
    expect(new Set(keywords).size).toBe(keywords.length);
  });

  it('scores by the documented formula, by hand', () => {
    const { keywords } = extra(
      read({
        modality: 'text',
        problem_short_description: 'Translate poems',
        problem_definition: 'Poem by poem.',
      }),
    );
    // short description 3 * (1 + ln 1) + definition 1 * (1 + ln 2)
    expect(keywords[0]).toEqual({ keyword: 'poem', score: Math.round((3 + 1 + Math.log(2)) * 1000) / 1000 });
  });

  it.each([
    ['defects', 'defect'],
    ['batteries', 'battery'],
    ['boxes', 'box'],
    ['glass', 'glass'],
    ['analysis', 'analysis'],
    ['cameras', 'camera'],
    ['images', 'image'],
    ['physics', 'physics'],
    ['gas', 'gas'],
  ])('takes %s for %s', (plural, one) => {
    expect(singular(plural)).toBe(one);
  });

  it('keeps words of other scripts', () => {
    const { keywords } = read({ modality: 'image', problem_definition: 'Classify 钢板 and Σίδηρος' });
    expect(keywords).toEqual(expect.arrayContaining(['钢板', 'σιδηρος']));
  });
});

describe('the lexicon', () => {
  it('names only goals, groups and kinds that it has', () => {
    const goals = new Set([...Object.keys(lexicon.goals), ...Object.keys(lexicon.groups)]);
    const kinds = new Set(Object.keys(lexicon.kinds));
    for (const weights of Object.values(lexicon.terms)) {
      for (const [goal, weight] of Object.entries(weights)) {
        expect(goals).toContain(goal);
        expect(weight).toBeGreaterThan(0);
      }
    }
    for (const weights of Object.values(lexicon.data_terms))
      for (const kind of Object.keys(weights)) expect(kinds).toContain(kind);
    for (const fits of Object.values(lexicon.goals)) {
      for (const [kind, affinity] of Object.entries(fits)) {
        expect(kinds).toContain(kind);
        expect(affinity).toBeLessThanOrEqual(1);
      }
    }
    for (const { default_goal } of Object.values(lexicon.kinds))
      expect(lexicon.goals[default_goal]).toBeDefined();
  });

  it('has terms in the form that words have, of at most six words', () => {
    for (const term of [...Object.keys(lexicon.terms), ...Object.keys(lexicon.data_terms)]) {
      expect(term).toMatch(/^[a-z0-9]+\*?( ~)?( [a-z0-9]+\*?( ~)?){0,5}$/);
      expect(term.endsWith('~')).toBe(false);
    }
  });

  it('prefers the longer of overlapping terms and stays within a sentence', () => {
    const index = indexTerms({ 'object detect*': { a: 1 }, 'detect*': { b: 1 }, 'find ~ box*': { c: 1 } });
    const names = (text: string) => findTerms(index, wordsOf(text)).map(({ name }) => name);
    expect(names('Object detection, then detect')).toEqual(['object detect*', 'detect*']);
    expect(names('find all the boxes')).toEqual(['find ~ box*']);
    expect(names('find all of the many boxes')).toEqual([]);
    expect(names('find it. Boxes')).toEqual([]);
  });
});
