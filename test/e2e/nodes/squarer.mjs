/** Squares the item that it is given, once a file is there, and writes down for which item it ran. */
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { node } from 'tutti/sdk';

const { SQUARER_JOURNAL: journal, SQUARER_HOLD: hold } = process.env;

await node(
  'square',
  async (task) => {
    appendFileSync(journal, `${task.item} ${task.inputs.numbers}\n`);
    while (task.item > 3 && !existsSync(hold)) await delay(20, undefined, { signal: task.signal });
    return { item: task.item, square: task.inputs.numbers ** 2 };
  },
  { capacity: 2 },
).start();
