/** One of two modules, as the environment says which: a node of a service. */
import { createHash } from 'node:crypto';
import { node } from 'tutti/sdk';

const { TUTTI_MODULE: module } = process.env;

const WORK = {
  prepare: ({ point: { x } }) => ({
    y: Math.sin(x) / 3,
    text: createHash('sha256').update(`${x}`).digest('hex'),
  }),
  judge: ({ prepare: { y, text } }) => ({ loss: (y - 0.1) ** 2, text: text.slice(0, 20) }),
};

await node(module, (task) => WORK[module](task.inputs), { capacity: 4 }).start();
