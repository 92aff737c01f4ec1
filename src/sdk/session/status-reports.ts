import type { NodeStatus } from '../../model/node.js';
import type { NodeReport, ReportedError } from '../../model/protocol.js';

/**
 * The status reports of one turn. Every change is reported, but what only went to and fro between IDLE and RUNNING within the turn
 * is reported as it ended.
 */
export class StatusReports {
  #reported: NodeStatus | undefined;
  #pending: NodeReport[] = [];

  /** The orchestrator has been told by other means: a hello. */
  told(status: NodeStatus): void {
    this.#reported = status;
    this.#pending = [];
  }

  changed(status: NodeStatus, error: ReportedError | undefined): void {
    if (isAtWork(status) && isAtWork(this.#pending.at(-1)?.status)) this.#pending.pop();
    const last = this.#pending.at(-1)?.status ?? this.#reported;
    if (last !== status) this.force(status, error);
  }

  /** Reports the status even if it is what was reported last: the answer to a command. */
  force(status: NodeStatus, error: ReportedError | undefined): void {
    if (this.#pending.at(-1)?.status === status) this.#pending.pop();
    this.#pending.push({ kind: 'node_report', status, ...(error && { error }) });
  }

  take(): NodeReport[] {
    const pending = this.#pending;
    this.#reported = pending.at(-1)?.status ?? this.#reported;
    this.#pending = [];
    return pending;
  }
}

function isAtWork(status: NodeStatus | undefined): boolean {
  return status === 'IDLE' || status === 'RUNNING';
}
