/**
 * A node that says much before it answers: `lines` things, each tenth of which is numbers of a step, and each fiftieth a partial
 * output; the others are lines of its log.
 */
import { node } from 'tutti/sdk';

await node('', async (task) => {
  const lines = Number(task.inputs.problem?.lines ?? 0);
  for (let line = 1; line <= lines; line += 1) {
    if (line % 50 === 0) await task.publish({ line, done: line / lines });
    else if (line % 10 === 0) task.metrics(line, { loss: 1 / line, accuracy: 1 - 1 / line });
    else task.log.info(`line ${line} of ${lines}`, { part: String(line % 7) });
    if (line % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { lines };
}).start();
