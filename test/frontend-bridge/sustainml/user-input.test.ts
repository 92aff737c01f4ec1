import { describe, expect, it } from 'vitest';
import {
  extraText,
  namesOf,
  outputsOf,
  readBody,
  readSubmission,
  shownInput,
} from '../../../frontend-bridge/sustainml/user-input.js';
import { printJson } from '../../../src/base/json/json-text.js';
import { form, UNTOUCHED } from '../../support/front-end.js';

const read = (body: unknown) =>
  readSubmission(readBody(typeof body === 'string' ? body : JSON.stringify(body)));
const extraOf = (input: Readonly<Record<string, unknown>>) => extraText(input.extra_data).text;

describe('a submission of the form', () => {
  it('is an input without anything where nobody has touched the form', () => {
    const { input, parent, title } = read(UNTOUCHED);
    expect(input).toMatchObject({
      modality: '',
      inputs: [],
      outputs: [],
      minimum_samples: 1,
      previous_iteration: 0,
    });
    expect([parent, title]).toEqual([undefined, 'SustainML problem']);
  });

  it('keeps extra_data as the text that it came in', () => {
    const text = '{ "b": 1.0, "a": [ -0, 12345678901234567890, "ä" ],\n  "__proto__": {"x": 1} }';
    const { input } = read(`{"extra_data": ${text}}`);
    expect(extraOf(input)).toBe(text);
    const shown = printJson(shownInput(input, { problem_id: 1, iteration_id: 1 }));
    expect(shown).toContain('12345678901234567890');
    expect(shown).toContain('"b": 1.0');
  });

  it.each(['hf_token', 'HF_TOKEN', 'token', 'api_key'])('does not keep a token called %s', (name) => {
    const { input } = read({ extra_data: { [name]: 'hf_secret', goal: 'translation' } });
    expect(JSON.parse(extraOf(input))).toEqual({ goal: 'translation' });
    const elsewhere = { extra_data: Buffer.from(`{"${name}":"hf_secret"}`).toString('base64') };
    expect(printJson(shownInput(elsewhere, { problem_id: 1, iteration_id: 1 }))).not.toContain('hf_secret');
  });

  it.each([0, 5.1, 0.3, 1e-9, 123456.789])('says %f g in kilograms, and in the same grams again', (grams) => {
    const { input } = read({ desired_carbon_footprint: grams });
    expect(input.desired_carbon_footprint).toBeCloseTo(grams / 1000, 12);
    expect(shownInput(input, { problem_id: 1, iteration_id: 1 }).desired_carbon_footprint).toBe(grams);
  });

  it('takes lists as lists or as one text, and gives them back as one text', () => {
    const { input } = read({ inputs: ['a', '', 'b'], outputs: 'c  d' });
    expect(input).toMatchObject({ inputs: ['a', 'b'], outputs: ['c', 'd'] });
    expect(shownInput(input, { problem_id: 7, iteration_id: 2 })).toMatchObject({
      task_id: { problem_id: 7, iteration_id: 2 },
      inputs: 'a b',
      outputs: 'c d',
    });
  });

  it('names its parent, and keeps the number of it', () => {
    const { input, parent } = read(form({ previous_iteration: 3 }, { previous_problem_id: 12 }));
    expect(parent).toEqual({ problem_id: 12, iteration_id: 3 });
    expect(input.previous_iteration).toBe(3);
  });

  it.each<[string, unknown]>([
    ['previous_problem_id', form({ previous_iteration: 1 })],
    ['modality', { modality: ['image'] }],
    ['inputs', { inputs: [null] }],
    ['minimum_samples', { minimum_samples: 1.5 }],
    ['maximum_samples', { maximum_samples: '1' }],
    ['optimize_carbon_footprint_manual', { optimize_carbon_footprint_manual: 1 }],
    ['desired_carbon_footprint', { desired_carbon_footprint: '5' }],
    ['extra_data', { extra_data: 'x' }],
    ['num_outputs', { extra_data: { num_outputs: 1e9 } }],
  ])('is refused with 400 and the name of a bad field: %s', (name, body) => {
    expect(() => read(body)).toThrow(
      expect.objectContaining({ status: 400, code: 'invalid_body', message: expect.stringContaining(name) }),
    );
  });

  it.each(['{', '[]', 'null', '"x"', '['.repeat(100_000), ''])(
    'is refused with 400 where it is not an object',
    (body) => {
      expect(() => read(body)).toThrow(expect.objectContaining({ status: 400 }));
    },
  );
});

describe('what an input that was made elsewhere asks for', () => {
  const input = (extra: unknown) => ({ extra_data: Buffer.from(JSON.stringify(extra)).toString('base64') });

  it('is one output, unless it says how many', () => {
    expect(outputsOf(input({ num_outputs: 3 }))).toBe(3);
    for (const odd of [0, 1, -2, 1.5, '3', null, [4]]) expect(outputsOf(input({ num_outputs: odd }))).toBe(1);
    expect(outputsOf(input({ num_outputs: 1e12 }))).toBe(100);
    expect(outputsOf({ extra_data: 'AAAA' })).toBe(1);
  });

  it('may name models in a list or a text', () => {
    expect(namesOf('a, b ,')).toEqual(['a', 'b']);
    expect(namesOf(['a', 7, ' '])).toEqual(['a']);
    expect(namesOf({})).toEqual([]);
  });
});
