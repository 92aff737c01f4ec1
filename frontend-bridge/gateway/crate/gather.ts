/** Looks up all that a crate is made of, before the first byte of it is sent: what is missing can still be refused then. */

import { everyItem, listOf } from '../../../src/base/every-item.js';
import { partAt, printIndented, readExactly } from '../../../src/base/json/exact.js';
import { JsonText } from '../../../src/base/json/json-text.js';
import type { GraphAnswerJson } from '../../../src/contract/graph.js';
import type { ModuleAnswerJson, TaskAnswerJson } from '../../../src/contract/iteration.js';
import { outputReference, splitReference } from '../../../src/model/graph.js';
import { isBytes } from '../../../src/model/media-type.js';
import type { BlobRef, Payload } from '../../../src/model/payload.js';
import { formatTaskId, type TaskId } from '../../../src/model/task-id.js';
import { taskHasEnded } from '../../../src/model/task-state.js';
import type { Blobs, Found, Queries, Refusal, StoredOutput } from '../../../src/orchestrator/port.js';
import { HttpError, refusalError } from '../errors.js';
import { fileOf } from '../output-file.js';
import { type CrateExecution, type CrateFile, type CrateRun, filesOf } from './run.js';

export interface GatherDeps {
  readonly queries: Queries;
  readonly blobs: Blobs;
  /** Of Tutti. */
  readonly version: string;
}

/** Throws what a query is refused with, and `not_ended`. */
export async function gatherRun(deps: GatherDeps, task: TaskId, license: string): Promise<CrateRun> {
  const { queries, blobs } = deps;
  const found = known(await queries.iteration(task));
  const view = found.value;
  if (!taskHasEnded(view.state))
    throw new HttpError(409, 'not_ended', `${formatTaskId(task)} has not ended yet: it is ${view.state}.`, {
      hint: 'Wait for its end (tutti watch), or stop it.',
    });
  const text = readExactly(Buffer.from(found.json).toString());
  const graphFound = known(await queries.graph(view.graph, view.graph_version));
  const graph = graphFound.value;
  const problem = known(await queries.problem(task.problemId)).value;
  const executions = await executionsOf(queries, task, view);
  const versions = await versionsOf(queries, executions);

  const valueFile = async (path: string, type: string, json: unknown): Promise<CrateFile> =>
    file(blobs, path, storedValue(type, json));
  const outputFile = async (path: string, of: TaskId, module: string): Promise<CrateFile | undefined> => {
    const output = await queries.output(of, module);
    if ('ok' in output && output.kind === 'not_found') return undefined;
    return file(blobs, path, known(output).value);
  };
  const typeOf = (input: string): string =>
    input === graph.source.name ? graph.source.type : typeAt(graph, input);

  const modules: Record<string, CrateRun['graph']['modules'][string]> = {};
  for (const [name, { inputs, previous = [], outputs: named }] of Object.entries(graph.modules)) {
    const { generation, pass, reused_from } = view.modules[name]!;
    const fellows = graph.loops.find(({ modules }) => modules.includes(name))?.modules ?? [];
    const isFed = (input: string): boolean =>
      (pass ?? 1) === 1 || !fellows.includes(splitReference(input).module);
    const references = named ? Object.keys(named).map((one) => outputReference(name, one)) : [name];
    const madeBy = makerOf(view.modules[name]!);
    const outputs: Record<string, CrateRun['graph']['modules'][string]['outputs'][string]> = {};
    for (const reference of references) {
      const output = await outputFile(`outputs/${reference}`, task, reference);
      if (output) outputs[reference] = { file: output, execution_id: madeBy };
    }
    const overrides: Record<string, CrateFile> = {};
    for (const input of view.overridden[name] ?? [])
      overrides[input] = await valueFile(
        `overrides/${name}/${input}`,
        typeOf(input),
        partAt(text, ['overrides', name, input]),
      );
    modules[name] = {
      ...{ inputs, previous, overrides, generation, version: versions.get(name), references, outputs },
      reused_from: reused_from?.iteration_id,
      fed_before: previous.filter(isFed),
    };
  }
  const previous: Record<string, CrateFile> = {};
  const parentId = view.parent_iteration_id;
  if (parentId !== null) {
    const parent = { problemId: task.problemId, iterationId: parentId };
    for (const name of new Set(Object.values(modules).flatMap((module) => module.previous))) {
      const output = await outputFile(`previous/${name}`, parent, name);
      if (output) previous[name] = output;
    }
  }
  const run: CrateRun = {
    ...view,
    ...{ license, version: deps.version, executions, previous },
    // It has ended.
    finished_at: view.finished_at!,
    project: problem.project,
    title: problem.title || null,
    task_id: formatTaskId(task),
    problem_id: task.problemId,
    iteration_id: task.iterationId,
    graph: {
      ...{ name: view.graph, version: view.graph_version, created_at: graph.created_at },
      ...{ source: graph.source.name, modules },
    },
    workflow: textFile('graph.yaml', 'application/yaml', graph.yaml),
    input: await valueFile(`input/${graph.source.name}`, graph.source.type, partAt(text, ['input'])),
    documents: [
      jsonFile('iteration.json', text),
      jsonFile('graph.json', readExactly(Buffer.from(graphFound.json).toString())),
    ],
  };
  for (const { content } of filesOf(run)) if (content.kind === 'blob') await demandBlob(blobs, content.blob);
  return run;
}

/** The attempt that made the output of a module; none has made the list of the results of a map. */
function makerOf({ items, execution_id, reused_from, cached_from }: ModuleAnswerJson): string {
  const own = items === null ? execution_id : null;
  return reused_from?.execution_id ?? cached_from?.execution_id ?? own ?? '';
}

/** Every attempt, and of what was taken over from another iteration the attempt that made it. */
async function executionsOf(
  queries: Queries,
  task: TaskId,
  { modules }: Pick<TaskAnswerJson, 'modules'>,
): Promise<readonly CrateExecution[]> {
  const all = await listOf(everyItem(async (page) => known(await queries.executions(task, page)).value));
  for (const { reused_from } of Object.values(modules)) {
    if (reused_from === null || reused_from === undefined) continue;
    const { iteration_id, execution_id } = reused_from;
    const made = await queries.execution(
      { problemId: task.problemId, iterationId: iteration_id },
      execution_id,
    );
    // Retention may have removed the iteration that it ran in.
    if (!('ok' in made)) all.unshift(made.value);
  }
  return all as readonly unknown[] as readonly CrateExecution[];
}

/** By module, what the node that ran its newest attempt says of its program. A node that is forgotten says nothing. */
async function versionsOf(
  queries: Queries,
  executions: readonly CrateExecution[],
): Promise<Map<string, string>> {
  const newest = new Map(executions.map(({ module, node_id }) => [module, node_id]));
  const versions = new Map<string, string>();
  for (const [module, nodeId] of newest) {
    const node = await queries.node(nodeId);
    if (!('ok' in node) && node.value.version) versions.set(module, node.value.version);
  }
  return versions;
}

function known<T extends Found<unknown>>(result: T | Refusal): T {
  if ('ok' in result) throw refusalError(result);
  return result;
}

async function demandBlob(blobs: Blobs, { sha256 }: BlobRef): Promise<void> {
  const blob = await blobs.open(sha256);
  if ('ok' in blob) throw refusalError(blob);
  await blob.close();
}

/** A value as the views show it, as if it had been stored by itself: bytes are in base64, and a blob is a reference. */
function storedValue(type: string, json: unknown): StoredOutput {
  const blob = partAt(json, ['blob']) as BlobRef | undefined;
  const isBlob = isBytes(type) && typeof json === 'object' && blob !== undefined;
  const raw: Payload = isBlob
    ? { kind: 'blob', blob }
    : { kind: 'inline', bytes: Buffer.from(isBytes(type) ? String(json ?? '') : '', 'base64') };
  // Of a message, the JSON form is what a person can read.
  return { type: isBytes(type) ? type : 'json', raw, json: new JsonText(printIndented(json ?? null)) };
}

function typeAt({ modules }: Pick<GraphAnswerJson, 'modules'>, reference: string): string {
  const { module, name } = splitReference(reference);
  const spec = modules[module]!;
  return spec.output ?? spec.outputs![name]!.type;
}

async function file(blobs: Blobs, name: string, output: StoredOutput): Promise<CrateFile> {
  const { mediaType, extension, content } = await fileOf(blobs, output);
  return { path: `${name}.${extension}`, mediaType, content };
}

function textFile(path: string, mediaType: string, text: string): CrateFile {
  return { path, mediaType, content: { kind: 'inline', bytes: Buffer.from(text) } };
}

function jsonFile(path: string, value: unknown): CrateFile {
  return textFile(path, 'application/json', `${printIndented(value)}\n`);
}
