import { describe, expect, it } from 'vitest';
import type { ModuleSpec } from '../../src/model/graph.js';
import { compileGraph } from '../../src/model/task.js';
import { formatTaskId, parseTaskId } from '../../src/model/task-id.js';
import { TASK_STATES, type TaskState, taskHasEnded, taskMayBecome } from '../../src/model/task-state.js';

/** From the row to the column: 1 where it may. */
const TABLE: Record<TaskState, string> = {
  //         waiting running suspended succeeded failed cancelled aborted
  waiting: '0 1 1 1 1 1 1',
  running: '0 0 1 1 1 1 1',
  suspended: '0 1 0 1 1 1 1',
  succeeded: '0 0 0 0 0 0 0',
  failed: '0 0 0 0 0 0 0',
  cancelled: '0 0 0 0 0 0 0',
  aborted: '0 0 0 0 0 0 0',
};

describe('a task', () => {
  it.each(TASK_STATES.flatMap((from) => TASK_STATES.map((to, column) => ({ from, to, column }))))(
    'a $from task may become $to, or not, as the table says',
    ({ from, to, column }) => {
      expect(taskMayBecome(from, to)).toBe(TABLE[from].split(' ')[column] === '1');
    },
  );

  it('has ended in exactly the states that nothing leads out of', () => {
    expect(TASK_STATES.filter(taskHasEnded)).toEqual(['succeeded', 'failed', 'cancelled', 'aborted']);
  });

  it('is written as its problem and its iteration, and read back', () => {
    const id = { problemId: '01890a5d-ac96-774b-bcce-b302099a8057', iterationId: 12 };
    expect(formatTaskId(id)).toBe('01890a5d-ac96-774b-bcce-b302099a8057/12');
    expect(parseTaskId(formatTaskId(id))).toEqual(id);
    for (const text of [
      '',
      'x/1',
      `${id.problemId}/0`,
      `${id.problemId}/01`,
      `${id.problemId}/1/1`,
      id.problemId,
    ]) {
      expect(parseTaskId(text), text).toBeUndefined();
    }
  });
});

describe('a compiled graph', () => {
  const spec = (name: string, inputs: string[], require: Record<string, string> = {}): ModuleSpec => ({
    ...{ name, inputs, previous: [], output: 'json', require, timeoutMs: 1, onError: 'fail', start: 'auto' },
    retry: { attempts: 1, backoffMs: 1, factor: 1, maxBackoffMs: 1 },
    liveness: { unresponsiveAfterMs: 1, deadAfterMs: 2 },
  });
  const compiled = compileGraph(
    { name: 'g', version: 3 },
    {
      name: 'g',
      source: { name: 'source', type: 'json' },
      modules: [
        spec('a', ['source']),
        spec('b', ['a', 'source'], { gpu: 'true', disk: 'ssd' }),
        spec('c', ['b'], { disk: 'ssd', gpu: 'true' }),
      ],
    },
  );

  it('has the positions of the modules that each takes inputs from, the source apart', () => {
    expect(compiled.modules.map(({ inputs, takesSource }) => [inputs, takesSource])).toEqual([
      [[], true],
      [[{ reference: 'a', position: 0 }], true],
      [[{ reference: 'b', position: 1 }], false],
    ]);
  });

  it('puts those into one slot class that the same nodes can run, in whatever order their labels are written', () => {
    const [a, b, c] = compiled.modules.map(({ slotClass }) => slotClass);
    expect(a).toBe('a');
    expect(b).toBe('b [["disk","ssd"],["gpu","true"]]');
    expect(c).toBe('c [["disk","ssd"],["gpu","true"]]');
  });
});
