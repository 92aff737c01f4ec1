/** The port through which an engine gets to its cluster: it starts a shell there that runs a fixed program. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { EngineUnavailable } from './engine.js';

export interface Reach {
  /**
   * Starts `sh` there with a program, which is part of Tutti: nothing that a user wrote is in it. What is written to the child's stdin
   * is the program's stdin, and the child ends with the program. A login there may have printed something before.
   * @throws EngineUnavailable
   */
  start(program: string): Promise<ChildProcessWithoutNullStreams>;
  /** Why such a child has ended by itself, from the end of its stderr. */
  whyEnded(stderr: string): EngineUnavailable;
  /** Ends the connection, if there is one, and with it every child. Idempotent. */
  close(): Promise<void>;
}
