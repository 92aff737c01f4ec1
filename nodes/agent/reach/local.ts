/** The machine of the agent itself. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { EngineUnavailable } from '../engine.js';
import type { Reach } from '../reach.js';
import { loaderOf, startChild } from './child.js';

export class LocalReach implements Reach {
  start(program: string): Promise<ChildProcessWithoutNullStreams> {
    return startChild('/bin/sh', ['-c', loaderOf(program)], program);
  }

  whyEnded(stderr: string): EngineUnavailable {
    return new EngineUnavailable('unreachable', `/bin/sh was ended: ${stderr.trim()}`);
  }

  async close(): Promise<void> {}
}
