/** Loaded into an orchestrator before it starts (`--import`): what only the process itself can say. Does nothing unasked. */
import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { answer } from '../support/processes.mjs';

const session = new Session();

answer({
  /** After a full collection (`--expose-gc`), so that two of these may be subtracted. */
  memory() {
    for (let i = 0; i < 3; i += 1) globalThis.gc?.();
    return process.memoryUsage();
  },
  async 'profile start'() {
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 500 });
    await session.post('Profiler.start');
  },
  async 'profile stop'({ path }) {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    await writeFile(path, JSON.stringify(profile));
  },
});
// The channel must not keep a stopping orchestrator alive.
process.channel?.unref();
