import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EncodedEvent, type PublicFact, taskIdOf } from '../../src/model/facts.js';
import type { TaskId } from '../../src/model/task-id.js';
import { PAGE_CHARACTERS, pagesOf } from '../../src/orchestrator/core/event-pages.js';

const tasks: (TaskId | undefined)[] = [
  undefined,
  { problemId: '00000000-0000-7000-8000-000000000001', iterationId: 1 },
  { problemId: '00000000-0000-7000-8000-000000000001', iterationId: 2 },
];

function event(seq: number, characters: number, taskId?: TaskId, letter = 'x'): EncodedEvent {
  const fact: PublicFact = taskId
    ? { type: 'iteration.started', problem_id: taskId.problemId, iteration_id: taskId.iterationId }
    : { type: 'graph.stored', graph: 'chain', graph_version: 1, yaml: '', types: {} };
  return { seq, at: 0, fact, json: JSON.stringify({ seq, text: letter.repeat(characters) }) };
}

const linesOf = (bytes: Uint8Array): string[] => Buffer.from(bytes).toString().split('\n');

describe('the pages of a batch of events', () => {
  it('hold every event once, in order, with those of each task cut from the same bytes', () => {
    const sizes = fc.array(
      fc.record({
        characters: fc.constantFrom(0, 10, 1000, 300_000, 700_000, 2_000_000),
        task: fc.constantFrom(...tasks),
        letter: fc.constantFrom('x', 'ü', '音'),
      }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(sizes, (made) => {
        const events = made.map(({ characters, task, letter }, index) =>
          event(index + 7, characters, task, letter),
        );
        const pages = [...pagesOf(events)];
        expect(pages.flatMap(({ page }) => linesOf(page.bytes))).toEqual(events.map(({ json }) => json));
        for (const { page } of pages) {
          const lines = linesOf(page.bytes);
          expect(JSON.parse(lines[0]!).seq).toBe(page.seq);
          if (lines.length > 1) expect(lines.join('\n').length).toBeLessThanOrEqual(PAGE_CHARACTERS);
        }
        for (const task of tasks) {
          if (!task) continue;
          const own = pages.flatMap(({ tasks: parts }) =>
            parts.filter(({ id }) => isDeepStrictEqual(id, task)),
          );
          expect(own.flatMap(({ bytes }) => linesOf(bytes))).toEqual(
            events.filter(({ fact }) => isDeepStrictEqual(taskIdOf(fact), task)).map(({ json }) => json),
          );
          for (const { seq, bytes } of own) expect(JSON.parse(linesOf(bytes)[0]!).seq).toBe(seq);
        }
      }),
      { numRuns: 15 },
    );
    // Some hundred MB of text.
  }, 120_000);

  it('are not joined into one text, however much there is: together these are longer than a text can be', () => {
    const json = 'x'.repeat(PAGE_CHARACTERS);
    const events = Array.from({ length: 600 }, (_, index): EncodedEvent => {
      return {
        seq: index + 1,
        at: 0,
        fact: { type: 'graph.stored', graph: 'chain', graph_version: 1, yaml: '', types: {} },
        json,
      };
    });
    let pages = 0;
    for (const { page } of pagesOf(events)) pages += page.bytes.byteLength === PAGE_CHARACTERS ? 1 : 0;
    expect(pages).toBe(600);
  });
});
