/**
 * Where the result of a module with `cache` is found: a hash of all that it follows from.
 *
 * K1. That is its project, its name and all that its graph version says about it, the types that it works with, its files, and the bytes of
 *     each of its inputs, each under its name and of its type.
 * K2. The version of the node that it ran on comes last, so that what one execution was given is the same for all versions.
 */
import { sha256Of } from '../../../base/sha256.js';
import type { ModuleSpec } from '../../../model/graph.js';
import type { BlobRef } from '../../../model/payload.js';

export interface Given {
  /** Whose results may be taken. */
  readonly project: string;
  readonly spec: ModuleSpec;
  /** Stands for the types of its module (`ModuleTypes`). */
  readonly types: string;
  /** Of a run module. */
  readonly files: readonly { readonly path: string; readonly blob: BlobRef }[];
  readonly inputs: readonly {
    readonly name: string;
    readonly type: string;
    readonly previous: boolean;
    readonly sha256: string;
  }[];
}

/** K1. Of what an execution is given. */
export function digestOf({ project, spec, types, files, inputs }: Given): string {
  const { when, ...rest } = spec;
  const parts = [
    project,
    { ...rest, ...(when && { when: when.text }) },
    types,
    files.map(({ path, blob }) => [path, blob.sha256]),
    inputs.map(({ name, type, previous, sha256 }) => [name, type, previous, sha256]),
  ];
  return sha256Of(JSON.stringify(parts));
}

/** K2. Of its result on a node of this version. */
export function cacheKey(digest: string, version: string): string {
  return `${digest}${sha256Of(version).slice(0, 32)}`;
}

/** The part of the key that identifies the inputs of an execution. */
export function digestIn(key: string): string {
  return key.slice(0, 64);
}
