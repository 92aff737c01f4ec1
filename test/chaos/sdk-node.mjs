/** A module node of the SDK whose outputs say what they were made from. It works alike to `node.ts`, but honestly. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { NonRetryableError, node } from 'tutti/sdk';

const sha256 = (value) => createHash('sha256').update(JSON.stringify(value)).digest('hex');

await node(
  '',
  async (task) => {
    const inputs = {};
    for (const [name, value] of Object.entries(task.inputs)) inputs[name] = sha256(value);
    for (const [name, value] of Object.entries(task.previous)) inputs[`previous.${name}`] = sha256(value);
    let seq = 0;
    const content = () => {
      seq += 1;
      return { execution: task.executionId, seq, task: task.id, module: task.module, inputs };
    };
    const partials = Math.random() < 0.3 ? Math.ceil(Math.random() * 4) : 0;
    for (let part = 0; part < partials; part += 1) await task.publish(content());
    await delay(Math.random() < 0.1 ? Math.random() * 2500 : Math.random() * 120, undefined, {
      signal: task.signal,
    });
    if (Math.random() < 0.05) {
      if (Math.random() < 0.2) throw new NonRetryableError('mishap', 'it went wrong for good');
      throw new Error('it went wrong');
    }
    const padding = Math.random() < 0.03 ? { padding: 'x'.repeat(100_000) } : {};
    return { ...content(), ...padding };
  },
  { capacity: 4 },
).start();
