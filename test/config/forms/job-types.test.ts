import { describe, expect, it } from 'vitest';
import { type JobType, JobTypeSchema, LogParser } from '../../../src/config/forms/job-types.js';

function found(type: object, ...lines: string[]): unknown {
  const parser = new LogParser(JobTypeSchema.parse(type));
  for (const line of lines) parser.take('stdout', line);
  return parser.result();
}

const faultOf = (type: unknown): string | undefined =>
  JobTypeSchema.safeParse(type).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)[0];

describe('a log parser', () => {
  it('gives the named groups of the first match, a group that matched nothing as null', () => {
    const type = { pattern: 'energy (?P<energy>-?[0-9.]+)(?: after (?P<steps>\\d+) steps)?' };
    expect(found(type, 'start', 'energy -1.5', 'energy -2 after 9 steps')).toEqual({
      energy: '-1.5',
      steps: null,
    });
    expect(found(type, 'nothing')).toBeNull();
  });

  it('gives every match with all, also several of one line', () => {
    const type = { pattern: '(?P<n>\\d)', all: true };
    expect(found(type, '1 2', 'x', '3')).toEqual([{ n: '1' }, { n: '2' }, { n: '3' }]);
    expect(found(type)).toEqual([]);
  });

  it('reads the last line of stdout that is not empty as JSON', () => {
    const parser = new LogParser(JobTypeSchema.parse({ json: 'last-line' }) as JobType);
    for (const line of ['{"a": 1}', '{"a": 2}', '  ']) parser.take('stdout', line);
    parser.take('stderr', 'done');
    expect(parser.result()).toEqual({ a: 2 });
    expect(found({ json: 'last-line' }, 'no JSON')).toBeNull();
    expect(found({ json: 'last-line' })).toBeNull();
  });

  it('takes a time that grows with the line only, where a backtracking engine would not end', () => {
    const type = { pattern: '^(?P<x>(a+)+)$' };
    expect(found(type, `${'a'.repeat(50_000)}b`)).toBeNull();
  });

  it('is refused where it cannot find anything, with what would be right', () => {
    expect(faultOf({ pattern: '(' })).toMatch(/^pattern: .*RE2/);
    expect(faultOf({ pattern: '(?P<a>x)(?=y)' })).toMatch(/^pattern: .*RE2/);
    expect(faultOf({ pattern: 'x+' })).toMatch(/^pattern: .*no named group/);
    expect(faultOf({})).toMatch(/give \{ pattern/);
    expect(faultOf({ pattern: '(?P<a>x)', json: 'last-line' })).toMatch(/give \{ pattern/);
    expect(faultOf({ json: 'all' })).toMatch(/^json: .*last-line/);
    expect(faultOf({ json: 'last-line', all: true })).toMatch(/^all: /);
    expect(faultOf('x')).toMatch(/give \{ pattern/);
  });
});
