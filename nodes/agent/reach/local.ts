/** The machine of the agent itself. */
import type { Reach, ReachCall, ReachResult } from '../reach.js';
import { runChild, withProgram } from './child.js';

export class LocalReach implements Reach {
  run(call: ReachCall): Promise<ReachResult> {
    const { loader, input } = withProgram(call);
    return runChild('/bin/sh', ['-c', loader], { ...call, input });
  }

  async close(): Promise<void> {}
}
