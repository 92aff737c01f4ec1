/** The nodes of the graph `items`: `each` does with an item as the item says, `sum` adds up the results. */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { node } from 'tutti/sdk';

const POLL_MS = 20;

await Promise.all([
  node(
    'each',
    async (task) => {
      const { n, hold, fails = 0, partials = 0, says } = task.inputs.list;
      if (says) task.log.info(says);
      for (let part = 1; part <= partials; part += 1) await task.publish({ n, part });
      if (task.attempt <= fails) throw new Error(`number ${n} is not ready`);
      while (hold && !existsSync(hold)) await delay(POLL_MS, undefined, { signal: task.signal });
      return { n, square: n * n };
    },
    { capacity: 100 },
  ).start(),
  node('sum', async (task) => task.inputs.each.reduce((sum, { square }) => sum + square, 0)).start(),
]);
