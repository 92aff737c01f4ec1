/** A graph as a request brings it: its file is read, and the files that it names are compared with those that are given. */
import { type Fault, summaryOf } from '../../base/errors.js';
import { pointer } from '../../base/json/pointer.js';
import { filesOfGraph, type Graph, typesOfGraph } from '../../model/graph.js';
import { JOB_GRAPH_NAME, JOB_GRAPH_TEXT } from '../../model/job.js';
import { isPrivateGraph } from '../../model/private-graph.js';
import { pathWithin } from '../../model/run.js';
import type { TypeRegistry } from '../../wire/types.js';
import type { State } from '../core/state.js';
import { missingFiles } from '../core/tasks/graph-files.js';
import type { PreparedRequest } from '../core/turn.js';
import type { Refusal, Request } from '../port.js';
import { refusal } from '../refusal.js';
import { fileFaults, hiddenFiles, type SeesBlob } from './named-files.js';

export type ParsedGraph =
  | { readonly ok: true; readonly graph: Graph }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** Graph files as they come from outside, of any size and form: reading one keeps the loop waiting for some milliseconds at most. */
export type GraphParser = (
  yaml: string,
  types: TypeRegistry,
  others: readonly Graph[],
) => Promise<ParsedGraph>;

export interface PrepareGraphDeps extends SeesBlob {
  readonly state: Pick<State, 'graph' | 'graphs'>;
  /** The types that new graph versions may name. */
  readonly types: TypeRegistry;
  readonly parseGraph: GraphParser;
}

export async function prepareGraph(
  deps: PrepareGraphDeps,
  request: Extract<Request, { kind: 'put_graph' }>,
): Promise<PreparedRequest | Refusal> {
  const newest = [...deps.state.graphs.values()].flatMap((versions) => versions.at(-1)?.compiled.graph ?? []);
  // One of the same name is not another graph, which the parser sees for itself.
  const parsed = await deps.parseGraph(
    request.yaml,
    deps.types,
    newest.filter(({ name }) => name !== JOB_GRAPH_NAME && !isPrivateGraph(name)),
  );
  if (!parsed.ok) return badGraph(request.name, parsed.faults);
  const { graph } = parsed;
  if (graph.name === JOB_GRAPH_NAME && isOfJobs(deps) && request.yaml !== JOB_GRAPH_TEXT) {
    const message = `${JOB_GRAPH_NAME} is the graph of jobs, which is a part of Tutti: give another name`;
    return badGraph(graph.name, [{ path: 'name', code: 'reserved_name', message }]);
  }
  if (request.name !== undefined && graph.name !== request.name) {
    return badGraph(request.name, [
      { path: 'name', code: 'wrong_name', message: `is ${graph.name}, the address says ${request.name}` },
    ]);
  }
  const { files, faults } = filesOf(graph, request.files ?? {});
  if (faults.length > 0) return badGraph(graph.name, faults);
  const hidden = await hiddenFiles(deps, files);
  if (hidden.length > 0) return missingFiles(hidden);
  return {
    kind: 'put_graph',
    name: graph.name,
    yaml: request.yaml,
    graph,
    types: deps.types,
    typesJson: deps.types.toJson(typesOfGraph(graph)),
    files,
  };
}

/** A graph of this name that was stored before there were jobs stays its owner's. */
function isOfJobs({ state }: PrepareGraphDeps): boolean {
  const stored = state.graph(JOB_GRAPH_NAME);
  return stored === undefined || stored.yaml === JOB_GRAPH_TEXT;
}

/** Those that the graph names, by their paths without `./`, and no others. */
function filesOf(
  graph: Graph,
  given: Readonly<Record<string, string>>,
): { readonly files: Readonly<Record<string, string>>; readonly faults: readonly Fault[] } {
  const files: Record<string, string> = {};
  const faults: Fault[] = [];
  for (const [path, sha256] of Object.entries(given)) {
    const plain = pathWithin(path) ?? path;
    if (Object.hasOwn(files, plain))
      faults.push({ path: pointer('files', path), code: 'duplicate', message: `${plain} is given twice` });
    files[plain] = sha256;
  }
  faults.push(...fileFaults({ named: filesOfGraph(graph), given: files, field: 'files', by: 'the graph' }));
  return { files, faults };
}

function badGraph(name: string | undefined, faults: readonly Fault[]): Refusal {
  const message = `${name === undefined ? 'the graph' : `graph ${name}`} has faults: ${summaryOf(faults)}`;
  return refusal('invalid', 'bad_graph', message, { details: faults });
}
