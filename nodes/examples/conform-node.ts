/** The node that the conformance suite plays with, in TypeScript: it does what its input asks of it (docs/node-protocol.md). */
import { setTimeout as delay } from 'node:timers/promises';
import { NonRetryableError, node } from 'tutti/sdk';

interface Wish {
  readonly echo?: unknown;
  readonly partials?: number;
  readonly names?: readonly string[];
  readonly sleep_ms?: number;
  readonly deaf_ms?: number;
  readonly fail?: { readonly code: string; readonly message: string; readonly retryable?: boolean };
  readonly size?: number;
}

interface Inputs {
  readonly input: Wish;
}

let runs = 0;

await node<Inputs, Readonly<Record<string, unknown>>>(
  '',
  async (task) => {
    runs += 1;
    const run = runs;
    const { echo = null, partials = 0, names, sleep_ms, deaf_ms, fail, size } = task.inputs.input;
    for (let part = 1; part <= partials; part += 1) await task.publish({ part });
    if (sleep_ms) await delay(sleep_ms, undefined, { signal: task.signal });
    if (deaf_ms) await delay(deaf_ms);
    if (fail) {
      const { code, message, retryable = true } = fail;
      throw retryable ? Object.assign(new Error(message), { code }) : new NonRetryableError(code, message);
    }
    const answer = { echo, runs: run, ...(size && { filler: 'x'.repeat(size) }) };
    if (!names) return answer;
    const [early, ...others] = names;
    await task.output(early!, answer);
    return Object.fromEntries(others.map((name) => [name, answer]));
  },
  {
    capacity: 2,
    onConfigure(configuration) {
      if (configuration.startsWith('bad')) throw new Error(`no ${configuration} here`);
      return configuration;
    },
  },
).start();
