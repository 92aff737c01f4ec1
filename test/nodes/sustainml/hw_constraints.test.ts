import { describe, expect, it } from 'vitest';
import {
  DEFAULT_MAX_MEMORY_FOOTPRINT_MIB,
  readConstraints,
} from '../../../nodes/sustainml/hw_constraints/read-constraints.js';
import { userInput } from './problem-statements.js';
import { bytes, extra } from './samples.js';

const read = (json: unknown) => readConstraints(userInput({ extra_data: bytes(json) }));

describe('hw_constraints', () => {
  it('passes on what the user gives', () => {
    const constraints = read({ max_memory_footprint: 512, hardware_required: ['Jetson Nano', 'cpu'] });
    expect(constraints.max_memory_footprint).toBe(512);
    expect(constraints.hardware_required).toEqual(['Jetson Nano', 'cpu']);
    expect(extra(constraints)).toMatchObject({
      max_memory_footprint: { value: 512, unit: 'MiB', from: 'user' },
      hardware_required: { from: 'user' },
      not_read: [],
    });
  });

  it.each([[''], [' \n'], [{}], [{ max_memory_footprint: null, hardware_required: null }]])(
    'takes the documented defaults from %j',
    (json) => {
      const constraints = read(json);
      expect(constraints.max_memory_footprint).toBe(DEFAULT_MAX_MEMORY_FOOTPRINT_MIB);
      expect(constraints.hardware_required).toEqual([]);
      expect(extra(constraints)).toMatchObject({
        max_memory_footprint: { value: 8192, from: 'default' },
        hardware_required: { value: [], from: 'default' },
      });
    },
  );

  it('keeps names it does not know, trimmed, without repetitions that differ in case only', () => {
    expect(read({ hardware_required: [' Grüne Box 3000 ', 'GPU', 'gpu'] }).hardware_required).toEqual([
      'Grüne Box 3000',
      'GPU',
    ]);
  });

  it('says which fields nobody reads', () => {
    expect(extra(read({ max_memory: 5, colour: 'red', inferences: 10 })).not_read).toEqual([
      'colour',
      'max_memory',
    ]);
  });

  it.each<[string, unknown]>([
    ['extra_data is not JSON', '{max: 1'],
    ['extra_data must be a JSON object', '[1]'],
    ['extra_data must be a JSON object', 'null'],
    ['extra_data must be a JSON object', '7'],
    ['extra_data.max_memory_footprint', { max_memory_footprint: '512' }],
    ['extra_data.max_memory_footprint', { max_memory_footprint: -1 }],
    ['extra_data.max_memory_footprint', { max_memory_footprint: 1.5 }],
    ['extra_data.max_memory_footprint', { max_memory_footprint: 2 ** 32 }],
    ['extra_data.hardware_required', { hardware_required: { kind: 'edge' } }],
    ['extra_data.hardware_required[1]', { hardware_required: ['edge', 3] }],
    ['extra_data.inferences', { inferences: '1e6' }],
    ['extra_data.inferences', { inferences: -1 }],
    ['extra_data.goal', { goal: 7 }],
    ['extra_data.metric', { metric: ['accuracy'] }],
    ['extra_data.type', { type: {} }],
    ['extra_data.model_selected', { model_selected: true }],
    ['extra_data.model_restrains[0]', { model_restrains: [null] }],
  ])('refuses, naming %s: %j', (named, json) => {
    expect(() => read(json)).toThrow(
      expect.objectContaining({ code: 'bad_extra_data', message: expect.stringContaining(named) }),
    );
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => readConstraints(userInput({ extra_data: Uint8Array.of(0x7b, 0xff, 0x7d) }))).toThrow(
      expect.objectContaining({ code: 'bad_extra_data', message: expect.stringContaining('not UTF-8') }),
    );
  });
});
