import type { Assign, ExecutionReport, HeldState, ReportedError } from '../../model/protocol.js';
import { bounded } from '../errors.js';

/** How far an execution has come on this node. */
export type Phase =
  /** `begun`: its inputs are there and the handler runs. */
  | { readonly kind: 'running'; readonly begun: boolean; readonly deadlineAt: number }
  /** Its handler was told to end; the report follows when it does, and at `graceAt` in any case. */
  | {
      readonly kind: 'aborting';
      readonly error: ReportedError | undefined;
      readonly state: 'CANCELLED' | 'PREEMPTED';
      readonly reason: string;
      readonly graceAt: number;
    }
  /** The last output is published and not known to be committed. */
  | { readonly kind: 'succeeded' }
  /** The final report is sent and the end is not known to be committed. */
  | {
      readonly kind: 'reported';
      readonly report: ExecutionReport;
      readonly dueAt: number;
      readonly backoffMs: number;
    }
  /** Nothing more is said about it; it is named only until its handler comes back. */
  | { readonly kind: 'forgotten' };

/** An execution that was assigned to this node and is not known to have ended. */
export interface Held {
  readonly executionId: string;
  readonly lease: string;
  /** Whether its handler has not returned yet: it takes a slot. */
  busy: boolean;
  /** When its slot is free again although its handler has not come back; set once that was told to end. */
  giveUpAt: number;
  /** Outputs numbered so far. */
  published: number;
  /** Lines of its log so far. */
  logged: number;
  /** Outputs known to be committed. */
  acked: number;
  /** The newest progress that was not sent yet. */
  progress: { readonly fraction: number; readonly message: string } | undefined;
  progressSentAt: number;
  phase: Phase;
}

export function received(assign: Assign, now: number): Held {
  return {
    executionId: assign.executionId,
    lease: assign.lease,
    busy: true,
    giveUpAt: Number.POSITIVE_INFINITY,
    published: 0,
    logged: 0,
    acked: 0,
    progress: undefined,
    progressSentAt: Number.NEGATIVE_INFINITY,
    phase: {
      kind: 'running',
      begun: false,
      deadlineAt: assign.timeoutMs > 0 ? now + assign.timeoutMs : Number.POSITIVE_INFINITY,
    },
  };
}

/** Its entry in `Hello.held`. */
export function heldState(held: Held): HeldState {
  const { phase } = held;
  switch (phase.kind) {
    case 'running':
      return phase.begun ? 'RUNNING' : 'ACCEPTED';
    case 'aborting':
      return 'RUNNING';
    case 'succeeded':
      return 'SUCCEEDED';
    case 'reported':
      return phase.report.state;
    case 'forgotten':
      return 'CANCELLED';
    default:
      return phase satisfies never;
  }
}

/** A report about an execution; the fields that do not apply are empty. */
export function report(
  of: { readonly executionId: string; readonly lease: string },
  state: ExecutionReport['state'],
  more: {
    readonly lastSeq?: number;
    readonly progress?: number;
    readonly message?: string;
    readonly error?: ReportedError;
  } = {},
): ExecutionReport {
  return {
    kind: 'execution_report',
    executionId: of.executionId,
    lease: of.lease,
    state,
    lastSeq: more.lastSeq ?? 0,
    progress: more.progress ?? 0,
    message: bounded(more.message ?? ''),
    ...(more.error && { error: more.error }),
  };
}
