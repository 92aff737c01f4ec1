/** A node that takes named outputs, and gives some. */
import { node } from 'tutti/sdk';

await node('judge', async (task) => {
  const { 'train.plot': plot, 'train.score': score } = task.inputs;
  await task.output('length', plot.length);
  return { verdict: score.loss < 1 ? 'good' : 'bad', before: task.previous['train.score'] ?? null };
}).start();
