/** A node that logs as many lines as its input asks for, before it answers. */
import { node } from 'tutti/sdk';

await node('', async (task) => {
  const lines = Number(task.inputs.problem?.lines ?? 0);
  for (let line = 1; line <= lines; line += 1) {
    task.log.info(`line ${line} of ${lines}`, { part: String(line % 7) });
    if (line % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { lines };
}).start();
