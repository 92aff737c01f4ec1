import { describe, expect, it } from 'vitest';
import { parseGraph } from '../../../src/config/graph/graph-file.js';
import { loadTypes } from '../../../src/wire/types.js';

const types = loadTypes(['proto']);

function parse(review: string, when = 'review.decision = "approve"', index = '[]') {
  return parseGraph(
    `name: g
source: { name: text, type: json }
index: ${index}
modules:
  review: ${review}
  last: { inputs: [review], output: json, when: '${when}' }
`,
    { types },
  );
}

const faultsOf = (parsed: ReturnType<typeof parse>): string[] =>
  parsed.ok ? [] : parsed.faults.map(({ path, code, message }) => `${path} ${code} ${message}`);

describe('a module with approve', () => {
  it('needs no output, and puts out the decision as JSON', () => {
    const parsed = parse(
      '{ inputs: [text], approve: { message: "Go on?" }, on_error: ignore, when: "text.n > 1" }',
    );
    expect(parsed.ok && parsed.graph.modules[0]).toMatchObject({
      ...{ name: 'review', output: 'json', onError: 'ignore' },
      approve: { role: 'operator', message: 'Go on?' },
    });
  });

  it('has fields of its decision only, in conditions and indexes', () => {
    const ask = '{ inputs: [text], approve: { role: author, message: "Go on?" } }';
    for (const field of ['decision', 'by', 'reason', 'at'])
      expect(faultsOf(parse(ask, `review.${field} = null`, `[review.${field}]`))).toEqual([]);
    expect(faultsOf(parse(ask, 'review.decisio = "approve"', '[review.reason.first]'))).toEqual([
      'index[0] unknown_field "review.reason.first" is not right: a decision has no field "reason.first" (did you mean reason?): it has decision, by, reason, at',
      'modules.last.when unknown_field position 1: a decision has no field "decisio" (did you mean decision?): it has decision, by, reason, at',
    ]);
  });

  it.each([
    [
      '{ inputs: [text], approve: yes }',
      'modules.review.approve wrong_type "yes" is not right: give an object, like { role',
    ],
    ['{ inputs: [text], approve: {} }', 'modules.review.approve.message missing_field'],
    [
      '{ inputs: [text], approve: { message: "" } }',
      'modules.review.approve.message out_of_range "" is not right: give what',
    ],
    [
      '{ inputs: [text], approve: { message: a, role: king } }',
      'modules.review.approve.role wrong_type "king" is not right: give operator or author',
    ],
    ['{ inputs: [text], approve: { message: a, who: b } }', 'modules.review.approve.who unknown_field'],
    [
      '{ inputs: [text], approve: { message: a }, output: json }',
      'modules.review.output not_with_approve a module with approve has no output, since its output is the decision',
    ],
    [
      '{ inputs: [text], approve: { message: a }, timeout: 5m }',
      'modules.review.timeout not_with_approve a module with approve has no timeout, since nothing runs for it',
    ],
    [
      '{ inputs: [text], approve: { message: a }, run: { command: [true] } }',
      'modules.review.run not_with_approve a module with approve has no run',
    ],
  ])('%s is refused', (review, fault) => {
    expect(faultsOf(parse(review))).toContainEqual(expect.stringContaining(fault));
  });

  it('agrees with no other graph on its output, since no node plays it', () => {
    const other = parseGraph(
      'name: other\nsource: { name: text, type: json }\nmodules: { review: { inputs: [text], output: bytes } }',
      { types },
    );
    const text =
      'name: g\nsource: { name: text, type: json }\nmodules: { review: { inputs: [text], approve: { message: a } } }';
    expect(parseGraph(text, { types, otherGraphs: other.ok ? [other.graph] : [] })).toMatchObject({
      ok: true,
    });
  });
});
