/**
 * Looks up what modules with `cache` may take: one look into the table for each, and one at the bytes that it leads to; what service steps
 * are given, to which their services may refer; and the lists of modules with `map` (`map-lists.ts`).
 *
 * L1. A result of which anything is gone is none: a payload that retention has removed, a blob without its file.
 */

import { sha256Of } from '../../base/sha256.js';
import { outputReference, typeOf } from '../../model/graph.js';
import type { PayloadRef } from '../../model/payload.js';
import { phaseOf, type Task } from '../../model/task.js';
import type { Reader } from '../../store/store.js';
import type { BlobFiles } from '../core/blob-files.js';
import { typesOf } from '../core/nodes/module-types.js';
import { filesOf, inputsOf } from '../core/schedule/assigned.js';
import { cacheKey, digestOf } from '../core/schedule/cache-key.js';
import { versionsFor } from '../core/schedule/fleet.js';
import type { LookUp, State } from '../core/state.js';
import { type Found, type LookedUp, type ReusableValue, reusableKey } from '../core/turn.js';
import type { ResultRow } from '../tables/records.js';
import * as tables from '../tables/tables.js';
import { readList, readResults } from './map-lists.js';

/** What looking up takes beside the store. */
export interface LookUpDeps {
  readonly files: BlobFiles;
  /** A list that is larger goes by blob. */
  readonly inlineMaxBytes: number;
}

/** `reusable`: gets the values that are found. */
export async function lookUp(
  store: Reader,
  { files, inlineMaxBytes }: LookUpDeps,
  state: State,
  { task, position, item }: LookUp,
  reusable: Map<string, ReusableValue>,
): Promise<LookedUp> {
  const found = new Map<string, Found>();
  const { serve, map } = task.graph.modules[position]!.spec;
  if (serve) return { digest: undefined, found, values: await valuesFor(store, task, position) };
  if (map && item === undefined) {
    const phase = phaseOf(task, position);
    if (phase.kind !== 'mapping')
      return { digest: undefined, found, list: await readList(store, files, state, task, position) };
    const results = await readResults(store, files, { task, position }, inlineMaxBytes);
    return { digest: undefined, found, ...(results && { results }) };
  }
  const digest = await digestFor(store, state, task, position, item);
  if (digest === undefined) return { digest, found };
  for (const version of versionsFor(state, task, position)) {
    const bytes = await store.get('results', [cacheKey(digest, version)]);
    const one = bytes && (await readResult(store, files, tables.results.decode(bytes)));
    if (!one) continue;
    decodeValues(state, task, position, one, reusable);
    found.set(version, one);
  }
  return { digest, found };
}

/** Of a service step: its inputs, all of which are JSON. */
async function valuesFor(store: Reader, task: Task, position: number): Promise<Map<string, unknown>> {
  const values = new Map<string, unknown>();
  for (const { name, ref } of inputsOf(task, position)) {
    const bytes = ref.blob ? undefined : await readPayload(store, ref);
    if (bytes) values.set(name, JSON.parse(Buffer.from(bytes).toString()));
  }
  return values;
}

/** Of what it would be given; nothing where an input cannot be read. */
async function digestFor(
  store: Reader,
  state: State,
  task: Task,
  position: number,
  item: number | undefined,
): Promise<string | undefined> {
  const { key, modules } = task.graph;
  const loaded = state.graph(key.name, key.version);
  if (!loaded) return undefined;
  const { spec } = modules[position]!;
  const inputs = [];
  for (const { name, type, previous, ref } of inputsOf(task, position, item)) {
    const bytes = ref.blob ? undefined : await readPayload(store, ref);
    const sha256 = bytes ? sha256Of(bytes) : ref.blob?.sha256;
    if (sha256 === undefined) return undefined;
    inputs.push({ name, type, previous, sha256 });
  }
  const files = filesOf(state, task, position);
  return digestOf({
    project: task.project,
    spec,
    types: typesOf(state, loaded, spec.name).key,
    files,
    inputs,
  });
}

/** L1. */
async function readResult(store: Reader, files: BlobFiles, row: ResultRow): Promise<Found | undefined> {
  const { problem_id, iteration_id, execution_id } = row;
  const outputs = new Map<string, PayloadRef>();
  const bytes = new Map<number, Uint8Array>();
  for (const [name, { seq, blob }] of Object.entries(row.outputs)) {
    const ref = {
      ...{ problemId: problem_id, iterationId: iteration_id, owner: execution_id, seq },
      ...(blob && { blob }),
    };
    if (blob) {
      const isKnown = (await store.get('blobs', [blob.sha256])) !== undefined;
      if (!isKnown || !(await files.has(blob))) return undefined;
    } else {
      const read = await readPayload(store, ref);
      if (!read) return undefined;
      bytes.set(seq, read);
    }
    outputs.set(name, ref);
  }
  return { result: { from: { problem_id, iteration_id, execution_id }, outputs }, bytes };
}

function readPayload(store: Reader, ref: PayloadRef): Promise<Uint8Array | undefined> {
  return store.get('payloads', [ref.problemId, ref.iterationId, ref.owner, ref.seq]);
}

function decodeValues(
  state: State,
  task: Task,
  position: number,
  { result, bytes }: Found,
  reusable: Map<string, ReusableValue>,
): void {
  const { key, graph, modules } = task.graph;
  const { name: module } = modules[position]!.spec;
  for (const [name, ref] of result.outputs) {
    const read = bytes.get(ref.seq);
    const type = typeOf(graph, outputReference(module, name));
    const decoded =
      read && type !== undefined ? state.graph(key.name, key.version)?.types.decode(type, read) : undefined;
    if (!decoded?.ok) continue;
    const { value, shown } = decoded;
    reusable.set(reusableKey(ref), { size: read!.byteLength, value, shown });
  }
}
