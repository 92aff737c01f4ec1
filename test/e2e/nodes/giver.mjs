/** A node that gives what its task's input says, once the file that it names is gone. */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { node } from 'tutti/sdk';

await node('work', async (task) => {
  const { give, hold } = task.inputs.problem;
  while (hold && existsSync(hold)) await delay(20, undefined, { signal: task.signal });
  return give;
}).start();
process.stdout.write('registered\n');
