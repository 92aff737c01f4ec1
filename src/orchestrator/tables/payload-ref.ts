/** Where a payload is stored, in memory and in rows. */

import type { BlobRef, PayloadRef } from '../../model/payload.js';

export interface PayloadRefRow {
  readonly problem_id: string;
  readonly iteration_id: number;
  readonly owner: string;
  readonly seq: number;
  readonly blob?: BlobRef;
}

export function refToRow(ref: PayloadRef): PayloadRefRow {
  const { problemId, iterationId, owner, seq, blob } = ref;
  return { problem_id: problemId, iteration_id: iterationId, owner, seq, ...(blob && { blob }) };
}

export function refFromRow(row: PayloadRefRow): PayloadRef {
  const { problem_id, iteration_id, owner, seq, blob } = row;
  return { problemId: problem_id, iterationId: iteration_id, owner, seq, ...(blob && { blob }) };
}

export function refsToRow(refs: ReadonlyMap<string, PayloadRef>): Record<string, PayloadRefRow> {
  return Object.fromEntries([...refs].map(([name, ref]) => [name, refToRow(ref)]));
}

export function refsFromRow(rows: Readonly<Record<string, PayloadRefRow>>): Map<string, PayloadRef> {
  return new Map(Object.entries(rows).map(([name, ref]) => [name, refFromRow(ref)]));
}
