/** The port through which an engine gets to its cluster: it runs a fixed program there, with data on its stdin. */

export interface ReachCall {
  /** A program for `sh`. It is part of Tutti: nothing that a user wrote is in it. */
  readonly script: string;
  /** The program's stdin. The program need not read it to the end. */
  readonly input: AsyncIterable<Uint8Array>;
  /** After that time the call fails as `silent`. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ReachResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface Reach {
  /** @throws EngineUnavailable if the program did not run to its end. What it has done until then stays done. */
  run(call: ReachCall): Promise<ReachResult>;
  /** Ends the connection, if there is one. Idempotent. */
  close(): Promise<void>;
}
