/** The private graph of a service, in the version that its work asks for. */
import { serviceGraph, serviceGraphName, serviceGraphText } from '../../../model/service.js';
import { compileGraph } from '../../../model/task.js';
import type { Refusal } from '../../port.js';
import { emit } from '../emit.js';
import { blobsOf, isSameGraph } from '../tasks/graph-files.js';
import type { PreparedRequest, Turn } from '../turn.js';

/** Its version: the newest one where that is the same, otherwise a new one. Refused where one of its files is not here. */
export function graphWith(
  turn: Turn,
  { spec, files: given, types, typesJson }: Extract<PreparedRequest, { kind: 'apply_service' }>,
): number | Refusal {
  const files = blobsOf(turn, given, 'bad_service');
  if (!files.ok) return files;
  const { state } = turn;
  const name = serviceGraphName(spec.name);
  const yaml = serviceGraphText(spec.name, spec);
  const newest = state.graph(name);
  const before = newest?.compiled.key.version ?? 0;
  if (newest && isSameGraph(newest, { yaml, typesJson, files: given })) return before;
  const key = { name, version: before + 1 };
  const compiled = compileGraph(key, serviceGraph(spec.name, spec));
  state.addGraph({ compiled, types, typesJson, yaml, createdAt: turn.wallMs, files: files.blobs });
  emit(turn, {
    type: 'graph.stored',
    graph: key.name,
    graph_version: key.version,
    yaml,
    types: typesJson,
    ...(Object.keys(files.blobs).length > 0 && { files: files.blobs }),
  });
  return key.version;
}
