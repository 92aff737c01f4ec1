/**
 * Results that are taken again (`cache:`): an execution that would get the same as one that has succeeded takes its output instead.
 *
 * C1. What is taken is copied: it stays with the task that has taken it, whatever becomes of the one that it is from.
 */
import type { BlobRef, PayloadRef } from './payload.js';
import type { TaskId } from './task-id.js';

/** The execution whose output was taken. */
export interface CachedFrom {
  readonly problem_id: string;
  readonly iteration_id: number;
  readonly execution_id: string;
}

/** The output of an execution, which may be reused. */
export interface CachedResult {
  readonly from: CachedFrom;
  /** Where it is stored: its last output, under an empty name, or its named ones. */
  readonly outputs: ReadonlyMap<string, PayloadRef>;
}

/** C1. Where a task keeps what a module of it has taken, in each pass of a loop. */
export function cachedRef(
  task: TaskId,
  { module, pass = 1 }: { readonly module: string; readonly pass?: number | undefined },
  seq: number,
  blob: BlobRef | undefined,
): PayloadRef {
  const { problemId, iterationId } = task;
  return {
    problemId,
    iterationId,
    owner: pass === 1 ? cachedOwner(module) : `${cachedOwner(module)}/${pass}`,
    seq,
    ...(blob && { blob }),
  };
}

export function cachedOwner(module: string): string {
  return `cached/${module}`;
}
