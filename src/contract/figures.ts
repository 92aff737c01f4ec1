/** Queues and activity of the whole orchestrator. */

/** A module of the newest graphs: the nodes that take work for it, and its queue. */
export interface QueueJson {
  readonly module: string;
  readonly graphs: readonly string[];
  readonly nodes: number;
  readonly slots: number;
  readonly taken: number;
  readonly waiting: number;
}

export interface ActivityMinuteJson {
  /** RFC 3339: its beginning. */
  readonly at: string;
  readonly submitted: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly aborted: number;
}

export interface ActivityJson {
  /** From here on everything is counted. */
  readonly since: string;
  readonly minutes: readonly ActivityMinuteJson[];
}
