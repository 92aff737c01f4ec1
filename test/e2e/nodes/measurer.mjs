/** Measures the point that it is given, once a file is there where the point is to wait for one, and writes down which points it has begun. */
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { node } from 'tutti/sdk';

const { MEASURER_JOURNAL: journal, MEASURER_HOLD: hold } = process.env;

await node(
  'measure',
  async (task) => {
    const { x, waits } = task.inputs.point;
    appendFileSync(journal, `${task.id} ${x}\n`);
    while (waits && !existsSync(hold)) await delay(20, undefined, { signal: task.signal });
    return { loss: (x - 3) ** 2 };
  },
  { capacity: 2 },
).start();
