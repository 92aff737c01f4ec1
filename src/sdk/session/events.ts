import type { TuttiError } from '../../base/errors.js';
import type { BlobRef, Payload } from '../../model/payload.js';
import type {
  Assign,
  Forget,
  HeartbeatReply,
  KeptExecution,
  LogLevel,
  LogLine,
  ReportedError,
  ToNode,
  Welcome,
  WholeStream,
} from '../../model/protocol.js';
import type { CommandNote, Resources } from '../../model/run.js';
import type { AbortCode } from '../errors.js';

export type Hook = 'start' | 'stop';

/** An output's payload, and for a blob its bytes: kept until it is acknowledged, in case the blob has to be uploaded again. */
export interface Produced {
  /** Of a module with named outputs. */
  readonly name?: string;
  readonly type: string;
  readonly payload: Payload;
  readonly source?: Uint8Array;
}

/** Everything that can happen to a node. */
export type SessionEvent =
  | { readonly kind: 'open' }
  | { readonly kind: 'frame'; readonly frame: ToNode }
  | { readonly kind: 'tick' }
  /** The types of the last welcome do not cover an assignment's: ask for a newer one. */
  | { readonly kind: 'types_missing' }
  | { readonly kind: 'begun'; readonly executionId: string }
  | {
      readonly kind: 'progress';
      readonly executionId: string;
      readonly fraction: number;
      readonly message: string;
    }
  | {
      readonly kind: 'log';
      readonly executionId: string;
      readonly at: number;
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, string>>;
      /** In the place of a line. */
      readonly command?: CommandNote;
      readonly whole?: WholeStream;
    }
  /** An agent keeps working folders of executions that have ended. */
  | { readonly kind: 'kept'; readonly executions: readonly KeptExecution[] }
  /** Log lines that had left the session and will not arrive. */
  | { readonly kind: 'logs_lost'; readonly lines: readonly LogLine[] }
  /** A partial output. `ticket` comes back with `admitted` once it has a place in the window. */
  | {
      readonly kind: 'publish';
      readonly executionId: string;
      readonly ticket: number;
      readonly produced: Produced;
    }
  /** Code that the handler has started threw an uncaught error. */
  | { readonly kind: 'crashed'; readonly executionId: string; readonly error: ReportedError }
  /** The handler has come back: its slot is free. */
  | { readonly kind: 'returned'; readonly executionId: string; readonly result: Result }
  | { readonly kind: 'uploaded'; readonly executionId: string; readonly seq: number }
  | {
      readonly kind: 'upload_failed';
      readonly executionId: string;
      readonly seq: number;
      readonly error: ReportedError;
    }
  | { readonly kind: 'hook_done'; readonly hook: Hook; readonly error?: ReportedError }
  | {
      readonly kind: 'configured';
      readonly transactionId: string;
      readonly configuration: string;
      readonly error?: ReportedError;
    }
  /** The connection to the orchestrator is there, or was lost. */
  | { readonly kind: 'line'; readonly isUp: boolean }
  /** An agent's cluster cannot be asked, or can be again (without an error). */
  | { readonly kind: 'trouble'; readonly error?: ReportedError }
  /** The total resources of an agent's cluster, which a hello carries to the orchestrator. */
  | { readonly kind: 'resources'; readonly resources: Resources }
  /** End without a goodbye: another process of this boot goes on with the work. */
  | { readonly kind: 'leave' }
  /** End: give the work back within `graceMs`, then wait at most `flushMs` for what is not acknowledged yet. */
  | {
      readonly kind: 'shutdown';
      readonly reason: string;
      readonly graceMs: number;
      readonly flushMs: number;
      /** The process fails, perhaps because of its work. */
      readonly error?: ReportedError;
    };

export type Result =
  | { readonly ok: true; readonly produced: Produced }
  | { readonly ok: false; readonly error: ReportedError };

/** The effects for the shell. Frames are not among them: the shell takes them at the end of its turn. */
export type Effect =
  | Forget
  | HeartbeatReply
  | { readonly kind: 'welcomed'; readonly welcome: Welcome }
  /** `isResumed`: the handler was called for it before, by an earlier process of this node. */
  | { readonly kind: 'run'; readonly assign: Assign; readonly isResumed: boolean }
  /** Its end is known to both sides, and its handler has come back. */
  | { readonly kind: 'released'; readonly executionId: string }
  | {
      readonly kind: 'abort';
      readonly executionId: string;
      readonly code: AbortCode;
      readonly reason: string;
      /** Until its end is reported whatever it does. */
      readonly graceMs: number;
    }
  /** Dial the next address. */
  | { readonly kind: 'redial' }
  | { readonly kind: 'admitted'; readonly executionId: string; readonly ticket: number }
  | {
      readonly kind: 'upload';
      readonly executionId: string;
      readonly seq: number;
      readonly blob: BlobRef;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'hook'; readonly hook: Hook }
  | { readonly kind: 'configure'; readonly transactionId: string; readonly configuration: string }
  | {
      readonly kind: 'note';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  /** Nothing more will come of this session. With an error: it was refused for good. */
  | { readonly kind: 'end'; readonly error?: TuttiError };
