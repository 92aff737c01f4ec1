/** Log lines of a handler that says many at once: all arrive, in order, or one line says how many are missing. */
import { describe, expect, it } from 'vitest';
import { missing } from '../python/python.js';
import { startAuthored } from '../support/authored.js';
import { OrchestratorProcess, pathOf } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const js = (lines: number, end: string) => `
import { node } from 'tutti/sdk';
await node('work', async (task) => {
  for (let i = 1; i <= ${lines}; i += 1) task.log.info('line ' + i);
  ${end}
}).start();
`;
const py = (lines: number, end: string) => `
from tutti import node
@node("work")
def run(task):
    for i in range(1, ${lines} + 1):
        task.log.info(f"line {i}")
    ${end}
`;

interface Line {
  readonly message: string;
  readonly fields: { readonly dropped?: string };
}

async function logOf(orchestrator: OrchestratorProcess, task: string): Promise<Line[]> {
  const [{ execution_id: id }] = await orchestrator.executions(task);
  const lines: Line[] = [];
  for (let cursor = ''; ; ) {
    const page = await orchestrator.get(
      `${pathOf(task)}/executions/${id}/log?limit=1000${cursor && `&cursor=${cursor}`}`,
    );
    lines.push(...page.body.items);
    cursor = page.body.next_cursor ?? '';
    if (cursor === '') return lines;
  }
}

describe('a handler that says many log lines in one go', () => {
  const cases = [
    ['js', 5_000, js(5_000, 'return 1;'), 'succeeded'],
    ['js', 5_000, js(5_000, "throw new Error('after the lines');"), 'failed'],
    ['js', 20_000, js(20_000, 'return 1;'), 'succeeded'],
    ['py', 5_000, py(5_000, 'raise ValueError("after the lines")'), 'failed'],
    ['py', 50_000, py(50_000, 'return 1'), 'succeeded'],
  ] as const;
  for (const [language, count, source, end] of cases) {
    it(`loses none of ${count} without a word, ${language}, where it has ${end}`, async (ctx) => {
      const tool = language === 'py' ? missing('zmq', 'google.protobuf') : undefined;
      if (tool !== undefined) ctx.skip(`needs ${tool}`);
      const scene = Scene.ofTest();
      const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
      const tape = orchestrator.tape();
      await startAuthored(scene, orchestrator, { source, language });
      const { task_id: task } = await orchestrator.submit('one', {});
      expect(await tape.ended(task)).toEqual([end]);
      await expect
        .poll(
          async () => {
            const lines = await logOf(orchestrator, task);
            const dropped = lines.reduce((sum, { fields }) => sum + Number(fields.dropped ?? 0), 0);
            return lines.filter(({ fields }) => !fields.dropped).length + dropped;
          },
          { timeout: 30_000 },
        )
        .toBe(count);
      const numbers = (await logOf(orchestrator, task))
        .filter(({ fields }) => !fields.dropped)
        .map(({ message }) => Number(message.slice('line '.length)));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    });
  }
});
