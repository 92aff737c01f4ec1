/** A module of a task as it is again after a restart. */

import type { ModuleSpec } from '../../model/graph.js';
import type { Execution, ItemRun, ModulePhase, ModuleRun, Retry, Task } from '../../model/task.js';
import { backoffMs, REJECTED_PAUSE_MS } from '../../scheduling/attempts.js';
import { executionFromRow } from './execution-row.js';
import type { ModuleRow } from './module-row.js';
import { refFromRow, refsFromRow } from './payload-ref.js';

/** Where the monotonic clock stands against the wall's, for due times that were stored. */
export interface Clocks {
  readonly nowMs: number;
  readonly wallMs: number;
  /** The wall clock's time at the last record before this start. @default wallMs */
  readonly lastMs?: number;
}

export function runFromRow(row: ModuleRow, task: Task, position: number, clocks: Clocks): ModuleRun {
  const executions = row.executions.map((execution) => executionFromRow(execution, task, position));
  return {
    phase: phaseFromRow(row, executions, task.graph.modules[position]!.spec, clocks),
    generation: row.generation,
    attempts: row.attempts,
    pass: row.pass ?? 1,
    previous: row.previous && refsFromRow(row.previous),
    items: row.items,
    loopEnd: row.loop_end,
    executions,
    diedBoots: [...(row.died_boots ?? [])],
    queued: false,
  };
}

function phaseFromRow(
  row: ModuleRow,
  executions: readonly Execution[],
  spec: ModuleSpec,
  clocks: Clocks,
): ModulePhase {
  const newest = executions.at(-1);
  switch (row.phase) {
    case 'waiting': {
      const { reason, waiting } = row;
      return { kind: 'waiting', waiting, reason, retry: retryFromRow(row, spec, clocks) };
    }
    case 'mapping':
      return mappingFromRow(row, executions, spec, clocks);
    case 'mapped': {
      if (!row.mapped) throw new Error('a module is stored as mapped without its results');
      const { indexed } = row;
      return {
        kind: 'mapped',
        ref: refFromRow(row.mapped),
        ...(indexed && { indexed }),
      };
    }
    case 'placed':
    case 'succeeded':
      if (!newest) throw new Error(`a module is stored as ${row.phase} without an execution`);
      return { kind: row.phase, execution: newest };
    case 'reused':
      if (!row.reused) throw new Error('a module is stored as reused without an output');
      return {
        kind: 'reused',
        output: {
          ref: refFromRow(row.reused),
          ...(row.reused_outputs && { named: refsFromRow(row.reused_outputs) }),
          ...(row.cached_from && { cachedFrom: row.cached_from }),
          ...(row.indexed && { indexed: row.indexed }),
        },
      };
    case 'approved':
      return { kind: 'approved', ...(row.indexed && { indexed: row.indexed }) };
    case 'failed':
      return { kind: 'failed', error: row.error ?? { code: 'unknown', message: '', retryable: false } };
    case 'served':
      return { kind: 'served' };
    case 'skipped':
      return { kind: 'skipped', reason: row.reason ?? '' };
    case 'stopped':
      return { kind: 'stopped' };
    default:
      return row.phase satisfies never;
  }
}

function mappingFromRow(
  { map, waiting, reason, generation }: ModuleRow,
  executions: readonly Execution[],
  spec: ModuleSpec,
  clocks: Clocks,
): ModulePhase {
  if (!map) throw new Error('a module is stored as mapping without its items');
  const open = Object.entries(map.open).map(([number, row]): [number, ItemRun] => {
    const item = Number(number);
    const { attempts, died_boots: diedBoots = [] } = row;
    const newest = executions.findLast((one) => one.item === item && one.generation === generation);
    if (row.waits) {
      const phase = { kind: 'waiting' as const, reason: row.reason, retry: retryFromRow(row, spec, clocks) };
      return [item, { phase, attempts, diedBoots: [...diedBoots] }];
    }
    if (!newest) throw new Error(`item ${item} is stored as placed without an execution`);
    return [item, { phase: { kind: 'placed', execution: newest }, attempts, diedBoots: [...diedBoots] }];
  });
  return { kind: 'mapping', begun: map.begun, open: new Map(open), waiting, reason };
}

/**
 * A pause ends at its time of the wall clock. It is never longer than its module makes it, nor than what was left of it when something was
 * recorded last, wherever the wall clock has been set. What people read stays what the fact said.
 */
function retryFromRow(
  row: Pick<ModuleRow, 'retry_at' | 'attempts'>,
  spec: ModuleSpec,
  clocks: Clocks,
): Retry | undefined {
  const { nowMs, wallMs, lastMs = wallMs } = clocks;
  const at = row.retry_at;
  if (at === undefined) return undefined;
  const longestMs = Math.max(backoffMs(spec, row.attempts), REJECTED_PAUSE_MS);
  const leftMs = Math.max(0, Math.min(at - wallMs, at - lastMs, longestMs));
  return { at, dueMs: nowMs + leftMs };
}
