/** A module of a task, as the row of the task has it. */

import type { CachedFrom } from '../../model/cached.js';
import { hasEnded } from '../../model/execution.js';
import type { LoopEnd } from '../../model/loop.js';
import type { ReportedError } from '../../model/protocol.js';
import type { ModulePhase, ModuleRun } from '../../model/task.js';
import type { Waiting } from '../../model/waiting.js';
import { type ExecutionRow, executionToRow } from './execution-row.js';
import { type PayloadRefRow, refsToRow, refToRow } from './payload-ref.js';

/** An item that has begun and is not done; its executions are those of its module. */
export interface OpenItemRow {
  /** As of a module: it is placed where there is none. */
  readonly reason?: string;
  readonly retry_at?: number;
  readonly waits?: true;
  readonly attempts: number;
  readonly died_boots?: readonly string[];
}

export interface ModuleRow {
  readonly phase:
    | 'waiting'
    | 'mapping'
    | 'mapped'
    | 'placed'
    | 'succeeded'
    | 'reused'
    | 'approved'
    | 'served'
    | 'failed'
    | 'skipped'
    | 'stopped';
  /** Of a module with `map` whose list was taken apart. */
  readonly items?: { readonly total: number; readonly done: number };
  /** While it is at work on them: how many have begun, and those that are open by their numbers. */
  readonly map?: {
    readonly begun: number;
    readonly open: Readonly<Record<string, OpenItemRow>>;
  };
  /** Where its results are. */
  readonly mapped?: PayloadRefRow;
  /** The output that was taken over. */
  readonly reused?: PayloadRefRow;
  /** Where it has named outputs, all of them by name. */
  readonly reused_outputs?: Readonly<Record<string, PayloadRefRow>>;
  /** Where a module with `cache` has taken it. */
  readonly cached_from?: CachedFrom;
  /** Of an output that was taken over, or of a decision, what is indexed. */
  readonly indexed?: Readonly<Record<string, string>>;
  readonly reason?: string;
  readonly waiting?: Waiting;
  readonly retry_at?: number;
  readonly error?: ReportedError;
  readonly generation: number;
  readonly attempts: number;
  /** Of a module in a loop. @default 1 */
  readonly pass?: number;
  /** By reference, what it has put out in the pass before. */
  readonly previous?: Readonly<Record<string, PayloadRefRow>>;
  readonly loop_end?: LoopEnd;
  readonly died_boots?: readonly string[];
  readonly executions: readonly ExecutionRow[];
}

/** The execution that a module is shown by: its newest one; while it is at work on items, one that is under way, if any is. */
export function newestOf(row: ModuleRow | undefined): ExecutionRow | undefined {
  const underWay =
    row?.phase === 'mapping' ? row.executions.findLast(({ state }) => !hasEnded(state)) : undefined;
  return underWay ?? row?.executions.at(-1);
}

export function runToRow(run: ModuleRun): unknown {
  const { phase } = run;
  return {
    phase: phase.kind,
    items: run.items,
    map: mapToRow(phase),
    mapped: phase.kind === 'mapped' ? refToRow(phase.ref) : undefined,
    reused: phase.kind === 'reused' ? refToRow(phase.output.ref) : undefined,
    reused_outputs: phase.kind === 'reused' && phase.output.named ? refsToRow(phase.output.named) : undefined,
    cached_from: phase.kind === 'reused' ? phase.output.cachedFrom : undefined,
    indexed: indexedOf(phase),
    reason: 'reason' in phase ? phase.reason : undefined,
    waiting: 'waiting' in phase ? phase.waiting : undefined,
    retry_at: phase.kind === 'waiting' ? phase.retry?.at : undefined,
    error: phase.kind === 'failed' ? phase.error : undefined,
    generation: run.generation,
    attempts: run.attempts,
    pass: run.pass > 1 ? run.pass : undefined,
    previous: run.previous && refsToRow(run.previous),
    loop_end: run.loopEnd,
    died_boots: run.diedBoots.length > 0 ? run.diedBoots : undefined,
    executions: run.executions.map(executionToRow),
  } satisfies Record<keyof ModuleRow, unknown>;
}

function mapToRow(phase: ModulePhase): ModuleRow['map'] {
  if (phase.kind !== 'mapping') return undefined;
  const open = [...phase.open].map(([item, { phase, attempts, diedBoots }]): [number, OpenItemRow] => [
    item,
    {
      ...(phase.kind === 'waiting' && { waits: true }),
      ...(phase.kind === 'waiting' && phase.reason !== undefined && { reason: phase.reason }),
      ...(phase.kind === 'waiting' && phase.retry && { retry_at: phase.retry.at }),
      attempts,
      ...(diedBoots.length > 0 && { died_boots: diedBoots }),
    },
  ]);
  return { begun: phase.begun, open: Object.fromEntries(open) };
}

function indexedOf(phase: ModulePhase): Readonly<Record<string, string>> | undefined {
  if (phase.kind === 'approved' || phase.kind === 'mapped') return phase.indexed;
  return phase.kind === 'reused' ? phase.output.indexed : undefined;
}
