import { writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import { partAt } from '../../../base/json/exact.js';
import { printJson } from '../../../base/json/json-text.js';
import type { TaskAnswerJson } from '../../../contract/iteration.js';
import { outputReference, splitReference } from '../../../model/graph.js';
import { formatTaskId } from '../../../model/task-id.js';
import type { RecordedExecution } from '../../../node-kit/recording.js';
import { packageTypes } from '../../../wire/package-types.js';
import type { TypeRegistry } from '../../../wire/types.js';
import { taskIdOf } from '../../arguments/short-ids.js';
import type { Client, Json } from '../../client.js';
import { everyItem } from '../../every-item.js';
import { CliError, EXIT } from '../../exit.js';
import { type Io, writeJson, writeLine } from '../../io.js';
import { type CommonOptions, clientCommand, openSession } from '../../program.js';
import { taskPath } from '../../tasks/task.js';

interface RecordOptions extends CommonOptions {
  readonly module: string;
  readonly output: string;
  readonly protoPath: readonly string[];
}

interface GraphView extends Json {
  readonly source: { readonly name: string; readonly type: string };
  readonly modules: Readonly<
    Record<
      string,
      {
        readonly inputs: readonly string[];
        readonly previous: readonly string[];
        /** Null where it has `outputs`. */
        readonly output: string | null;
        readonly outputs?: Readonly<Record<string, { readonly type: string }>>;
        /** It runs once for each item of this input. */
        readonly map?: string;
      }
    >
  >;
  readonly loops?: readonly { readonly modules: readonly string[] }[];
}

interface ExecutionView extends Json {
  readonly execution_id: string;
  readonly module: string;
  readonly attempt: number;
  /** Of a module in a loop. */
  readonly pass?: number | null;
  /** Of a module with `map`. */
  readonly item?: number | null;
  readonly state: string;
  readonly outputs: number;
  /** Of a module with several outputs. */
  readonly named_outputs?: Readonly<Record<string, number>>;
  readonly error: { readonly code: string; readonly message: string; readonly stack?: string } | null;
}

export function recordCommand(kit: Command, io: Io): void {
  clientCommand(kit, 'record', 'Write the inputs and outputs of a task’s executions as JSON lines')
    .argument('<task_id>')
    .requiredOption('--module <name>', 'the module to record')
    .requiredOption('-o, --output <file>', 'the file to write; - for stdout')
    .option(
      '--proto-path <dir>',
      'a folder with .proto files for large values (repeatable)',
      (dir: string, dirs: readonly string[]) => [...dirs, dir],
      [],
    )
    .action(async (taskId: string, options: RecordOptions) => {
      const { client } = openSession(options, io);
      const executions = await record(client, taskId, options.module, () => packageTypes(options.protoPath));
      if (options.output === '-') for (const each of executions) writeJson(io.stdout, each);
      else await writeFile(options.output, executions.map((each) => `${printJson(each)}\n`).join(''));
      writeLine(io.stderr, `${executions.length} of ${options.module} recorded`);
    });
}

/** Those that have succeeded or failed, oldest first. Throws `unknown_module`, `nothing_to_record`. */
async function record(
  client: Client,
  taskId: string,
  module: string,
  types: () => TypeRegistry,
): Promise<readonly RecordedExecution[]> {
  const id = await taskIdOf(client, taskId);
  const path = taskPath(id);
  const { value: view } = await client.get<TaskAnswerJson>(path);
  const { value: graph } = await client.get<GraphView>(
    `/v1/graphs/${encodeURIComponent(String(view.graph))}/versions/${Number(view.graph_version)}`,
  );
  const spec = graph.modules[module];
  if (spec === undefined) {
    const known = Object.keys(graph.modules).join(', ');
    throw new CliError(EXIT.badInput, 'unknown_module', `--module: ${module} is none of ${known}`);
  }
  const parent = view.parent_iteration_id;
  const [inputs, previous]: [Record<string, unknown>, Record<string, unknown>] = await Promise.all([
    valuesOf(client, spec.inputs, path, view, graph, types),
    typeof parent === 'number'
      ? valuesOf(client, spec.previous, taskPath({ ...id, iterationId: parent }), undefined, graph, types)
      : {},
  ]);
  // An overridden input is recorded with its override.
  for (const [name, value] of Object.entries(view.overrides?.[module] ?? {})) {
    const values = spec.inputs.includes(name) ? inputs : previous;
    values[name] = await whole(client, typeOf(graph, name), value, types);
  }
  const all = (await everyItem(client, `${path}/executions`)) as readonly Json[] as readonly ExecutionView[];
  const outputAs: ReadOutput = async (execution, seq, reference) => {
    const { value } = await client.get<unknown>(`${path}/executions/${execution}/outputs/${seq}`);
    return await whole(client, typeOf(graph, reference), value, types);
  };
  const ended = all.filter(({ module: of, state }) => of === module && /^(succeeded|failed)$/.test(state));
  if (ended.length === 0) {
    throw new CliError(
      EXIT.failed,
      'nothing_to_record',
      `no execution of ${module} in ${taskId} has succeeded or failed`,
    );
  }
  const overridden = Object.keys(view.overrides?.[module] ?? {}).filter((name) => name in inputs);
  const known: Known = { graph, executions: all, inputs, overridden, previous, outputAs };
  return await Promise.all(
    ended.map(async (execution) => {
      const { execution_id, attempt, pass, item, error } = execution;
      const given = itemIn(await givenIn(execution, known), spec.map, item);
      const outputs = spec.outputs
        ? await namedOutputs(execution, outputAs)
        : await Promise.all(
            Array.from({ length: execution.outputs }, (_, index) =>
              outputAs(execution_id, index + 1, module),
            ),
          );
      const named = [...new Set([...Object.keys(given.inputs), ...Object.keys(given.previous)])];
      return {
        module,
        ...{ task_id: formatTaskId(id), execution_id, attempt },
        ...(typeof pass === 'number' && { pass }),
        ...(typeof item === 'number' && { item }),
        inputs: given.inputs,
        ...(Object.keys(given.previous).length > 0 && { previous: given.previous }),
        types: Object.fromEntries(named.map((name) => [name, typeOf(graph, name)])),
        ...(spec.outputs ? { output_types: typesOf(spec.outputs) } : { output_type: typeOf(graph, module) }),
        outputs,
        ...(error && {
          error: { code: error.code, message: error.message, ...(error.stack && { stack: error.stack }) },
        }),
      };
    }),
  );
}

type Values = Readonly<Record<string, unknown>>;
/** What an execution was given. */
interface Given {
  readonly inputs: Values;
  readonly previous: Values;
}
type ReadOutput = (executionId: string, seq: number, reference: string) => Promise<unknown>;

/** The known state of the task. */
interface Known {
  readonly graph: GraphView;
  readonly executions: readonly ExecutionView[];
  /** Of the task as it is now: those of the last pass. */
  readonly inputs: Values;
  /** Those of them that the task was given in the place of an output. */
  readonly overridden: readonly string[];
  /** Of the parent iteration. */
  readonly previous: Values;
  readonly outputAs: ReadOutput;
}

/** The inputs of an execution. In a loop, these include the outputs of the loop's modules in the same pass and in the one before. */
async function givenIn(
  { module, pass }: ExecutionView,
  { graph, executions, inputs, overridden, previous, outputAs }: Known,
): Promise<Given> {
  const body = graph.loops?.find(({ modules }) => modules.includes(module))?.modules ?? [];
  if (typeof pass !== 'number' || body.length === 0) return { inputs, previous };
  const outputsIn = async (wanted: number): Promise<Values> => {
    const made = body.flatMap((name) => {
      const is = (one: ExecutionView) =>
        one.module === name && one.pass === wanted && one.state === 'succeeded';
      return executions.findLast(is) ?? [];
    });
    const values = made.map(async (one) =>
      graph.modules[one.module]?.outputs
        ? prefixed(one.module, await namedOutputs(one, outputAs))
        : { [one.module]: await outputAs(one.execution_id, one.outputs, one.module) },
    );
    return Object.assign({}, ...(await Promise.all(values)));
  };
  const isOfBody = (name: string): boolean => body.includes(splitReference(name).module);
  const outside = (values: Values): Values =>
    Object.fromEntries(Object.entries(values).filter(([name]) => !isOfBody(name)));
  const before = pass === 1 ? previous : { ...outside(previous), ...(await outputsIn(pass - 1)) };
  const lastPass = Math.max(...executions.map((one) => (body.includes(one.module) ? (one.pass ?? 1) : 1)));
  if (pass === lastPass) return { inputs, previous: before };
  const own = await outputsIn(pass);
  const taken = (graph.modules[module]?.inputs ?? []).filter(
    (name) => isOfBody(name) && name in own && !overridden.includes(name),
  );
  const kept = Object.fromEntries(overridden.map((name) => [name, inputs[name]]));
  const made = Object.fromEntries(taken.map((name) => [name, own[name]]));
  return { inputs: { ...outside(inputs), ...kept, ...made }, previous: before };
}

/** Of a module with `map`, the item that the execution was given in the place of the list. */
function itemIn(given: Given, map: string | undefined, item: number | null | undefined): Given {
  if (map === undefined || typeof item !== 'number') return given;
  return { ...given, inputs: { ...given.inputs, [map]: partAt(given.inputs[map], [item]) } };
}

async function namedOutputs(
  { execution_id, module, named_outputs = {} }: ExecutionView,
  outputAs: ReadOutput,
): Promise<Record<string, unknown>> {
  const read = Object.entries(named_outputs).map(async ([name, seq]) => [
    name,
    await outputAs(execution_id, seq, outputReference(module, name)),
  ]);
  return Object.fromEntries(await Promise.all(read));
}

function prefixed(module: string, outputs: Values): Values {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [outputReference(module, name), value]),
  );
}

function typesOf(outputs: Readonly<Record<string, { readonly type: string }>>): Record<string, string> {
  return Object.fromEntries(Object.entries(outputs).map(([name, { type }]) => [name, type]));
}

/** The type of the source, or of an output by its reference. */
function typeOf({ source, modules }: GraphView, reference: string): string {
  if (reference === source.name) return source.type;
  const { module, name } = splitReference(reference);
  const spec = modules[module];
  return (name === '' ? spec?.output : spec?.outputs?.[name]?.type) ?? 'json';
}

/** The values of these names in a task; names without a value are left out. */
async function valuesOf(
  client: Client,
  names: readonly string[],
  path: string,
  known: TaskAnswerJson | undefined,
  graph: GraphView,
  types: () => TypeRegistry,
): Promise<Record<string, unknown>> {
  if (names.length === 0) return {};
  const view = known ?? (await client.get<TaskAnswerJson>(path)).value;
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const isSource = name === graph.source.name;
    const { module, name: output } = splitReference(name);
    const given = view.modules[module]?.output;
    const value = isSource ? view.input : output === '' ? given : partAt(given, [output]);
    const isThere = isSource || /^(succeeded|reused)$/.test(view.modules[module]?.state ?? '');
    if (isThere) values[name] = await whole(client, typeOf(graph, name), value, types);
  }
  return values;
}

/** The value itself, where only its blob was shown. */
async function whole(
  client: Client,
  type: string,
  value: unknown,
  types: () => TypeRegistry,
): Promise<unknown> {
  const sha256 = (value as { blob?: { sha256?: unknown } } | null | undefined)?.blob?.sha256;
  if (typeof sha256 !== 'string') return value;
  const bytes = await buffer(await client.stream(`/v1/blobs/${sha256}`, {}));
  const decoded = types().decode(type, bytes);
  if (decoded.ok) return decoded.shown;
  throw new CliError(EXIT.failed, 'unknown_type', `a large ${type} cannot be read: ${decoded.message}`, {
    hint: 'name the folder of its .proto with --proto-path',
  });
}
