/** The modules at a speed that a person can follow: they are done within milliseconds, and a demonstration is to be watched. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Handler } from 'tutti/sdk';

const STEPS = 20;

/**
 * The handler itself, or one that takes `SUSTAINML_PACE_MS` longer where that is set, and shows meanwhile how far it is.
 * @param stages what the module does, in its order
 */
export function paced<Inputs, Output, Previous>(
  stages: readonly string[],
  handler: Handler<Inputs, Output, Previous>,
): Handler<Inputs, Output, Previous> {
  const paceMs = Number(process.env.SUSTAINML_PACE_MS ?? 0);
  if (!(paceMs > 0)) return handler;
  return async (task) => {
    for (let step = 0; step < STEPS; step += 1) {
      task.progress(step / STEPS, stages[Math.floor((step * stages.length) / STEPS)]);
      await delay(paceMs / STEPS, undefined, { signal: task.signal });
    }
    return handler(task);
  };
}
