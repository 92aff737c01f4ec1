/**
 * A node of any module that does what its task's input asks of it (`Script` in test/support/nodes.ts), and answers with what it saw:
 * its task, and the tasks that its inputs and previous outputs are from.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { NonRetryableError, node } from 'tutti/sdk';

const { TUTTI_INSTANCE: instance, PLAYER_JOURNAL: journal, PLAYER_CAPACITY: capacity } = process.env;
let configuration = 'none';

process.stdout.write('starting\n');
const running = await node(
  '',
  async (task) => {
    const script = task.inputs.problem?.[task.module] ?? {};
    const note = (what) => {
      const { id, module, executionId } = task;
      const line = { what, module, instance, task: id, execution: executionId };
      if (journal) appendFileSync(journal, `${JSON.stringify(line)}\n`);
      process.stdout.write(`${what} ${id}\n`);
    };
    const tasksOf = (inputs) =>
      Object.fromEntries(
        Object.entries(inputs)
          .filter(([name]) => name !== 'problem')
          .map(([name, input]) => [name, input.task]),
      );
    const answer = {
      task: task.id,
      inputs: tasksOf(task.inputs),
      previous: tasksOf(task.previous),
      ...(task.inputs.problem?.name && { name: task.inputs.problem.name }),
      ...(task.pass > 1 && { pass: task.pass }),
      ...(task.traceparent && { traceparent: task.traceparent }),
    };
    note('begin');
    const publish = async (count = 0) => {
      for (let part = 1; part <= count; part += 1) await task.publish({ ...answer, part });
    };
    await publish(script.partials);
    while (script.hold && !existsSync(script.hold)) await delay(20, undefined, { signal: task.signal });
    if (script.random_ms) await delay(Math.random() * script.random_ms, undefined, { signal: task.signal });
    if (script.fail && task.attempt <= script.fail.times) {
      const { code, message, final } = script.fail;
      if (final) throw new NonRetryableError(code ?? 'failed', message);
      throw Object.assign(new Error(message), code && { code });
    }
    await publish(script.then_partials);
    note('end');
    return answer;
  },
  {
    capacity: Number(capacity),
    onConfigure(wanted) {
      if (wanted.startsWith('bad'))
        throw Object.assign(new Error(`no ${wanted} here`), { code: 'bad_setting' });
      configuration = wanted === 'show' ? configuration : wanted;
      return configuration;
    },
  },
).start();
process.stdout.write(`registered ${running.nodeId}\n`);
