/** The private graph of a service, in the version that its work asks for. */
import type { BlobRef } from '../../../model/payload.js';
import { serviceGraph, serviceGraphName, serviceGraphText } from '../../../model/service.js';
import { compileGraph } from '../../../model/task.js';
import { emit } from '../emit.js';
import { isSameGraph } from '../tasks/graph-files.js';
import type { PreparedRequest, Turn } from '../turn.js';

/** Its version: the newest one where that is the same, otherwise a new one. */
export function graphWith(
  turn: Turn,
  {
    spec,
    files,
    types,
    typesJson,
  }: Pick<Extract<PreparedRequest, { kind: 'apply_service' }>, 'spec' | 'types' | 'typesJson'> & {
    readonly files: Readonly<Record<string, BlobRef>>;
  },
): number {
  const { state } = turn;
  const name = serviceGraphName(spec.name);
  const hashes = Object.fromEntries(Object.entries(files).map(([path, { sha256 }]) => [path, sha256]));
  const yaml = serviceGraphText(spec.name, spec);
  const newest = state.graph(name);
  const before = newest?.compiled.key.version ?? 0;
  if (newest && isSameGraph(newest, { yaml, typesJson, files: hashes })) return before;
  const key = { name, version: before + 1 };
  const compiled = compileGraph(key, serviceGraph(spec.name, spec));
  state.addGraph({ compiled, types, typesJson, yaml, createdAt: turn.wallMs, files });
  emit(turn, {
    type: 'graph.stored',
    graph: key.name,
    graph_version: key.version,
    yaml,
    types: typesJson,
    ...(Object.keys(files).length > 0 && { files }),
  });
  return key.version;
}
