/**
 * The indexes that graphs declare, by all of their versions, and which of them are complete: what ends after a declaration gets into its
 * index when it ends, and a row of its own says when the earlier iterations are in it as well.
 */
import { isPrivateGraph } from '../../model/private-graph.js';
import type { CompiledGraph } from '../../model/task.js';
import type { Reader } from '../../store/store.js';
import { lateIndexKey } from './records.js';
import { lateIndexes } from './tables.js';

/** A version of a graph. */
interface Version {
  readonly compiled: CompiledGraph;
}

/** A field that a graph declares, and the version since which it has done so without a break. */
export interface Declared {
  readonly graph: string;
  readonly field: string;
  readonly since: number;
}

export function declaredBy(graph: string, versions: readonly Version[]): Declared[] {
  const has = ({ compiled }: Version, field: string): boolean =>
    compiled.graph.index?.includes(field) ?? false;
  return (versions.at(-1)?.compiled.graph.index ?? []).map((field) => {
    const without = versions.findLastIndex((version) => !has(version, field));
    return { graph, field, since: without + 2 };
  });
}

/** The fields that any version of the graph has had an index over. */
export function everIndexed(versions: readonly Version[] = []): string[] {
  return [...new Set(versions.flatMap(({ compiled }) => compiled.graph.index ?? []))];
}

/** Whether every ended iteration (of this graph, or of all) that has the field is in its index. */
export async function isIndexed(
  reader: Reader,
  graphs: ReadonlyMap<string, readonly Version[]>,
  field: string,
  graph: string | undefined,
): Promise<boolean> {
  const [module = ''] = field.split('.');
  // A graph of a service has a module of the same name as the graph whose node its replicas are.
  const names = graph === undefined ? [...graphs.keys()].filter((name) => !isPrivateGraph(name)) : [graph];
  const concerned = names.filter((name) => everHad(graphs.get(name) ?? [], module));
  for (const name of concerned) {
    const declared = declaredBy(name, graphs.get(name) ?? []).find((one) => one.field === field);
    if (declared === undefined) return false;
    if (declared.since === 1) continue;
    const row = await lateIndexes.get(reader, lateIndexKey(name, field));
    if (row?.since !== declared.since) return false;
  }
  return concerned.length > 0;
}

/** Whether a module has ever been in the graph. */
function everHad(versions: readonly Version[], module: string): boolean {
  return versions.some(({ compiled }) => compiled.index.has(module));
}
