/** A graph as the rest of the program sees it: parsed, validated, with every default filled in. */
import type { Expression } from '../base/expression/expression.js';
import type { ApprovalSpec } from './approval.js';
import type { LoopSpec } from './loop.js';
import type { OutputSpec } from './protocol.js';
import type { RunSpec } from './run.js';
import type { ServeSpec } from './serve.js';

/** Bytes of a graph's text. 1,000 modules, each with every option given, have about 230 KB. */
export const MAX_GRAPH_BYTES: number = 256 * 1024;

export interface RetryPolicy {
  /** Attempts in all that may fail or succeed; at least 1. @default 3 */
  readonly attempts: number;
  /** The wait before the second attempt. @default 1000 */
  readonly backoffMs: number;
  /** Each further wait is so many times longer. @default 2 */
  readonly factor: number;
  /** No wait is longer. @default 30000 */
  readonly maxBackoffMs: number;
}

export interface ModuleSpec {
  readonly name: string;
  /** The source, or outputs of other modules by their references (`outputReference`); all of them are needed before it runs. */
  readonly inputs: readonly string[];
  /** References to outputs in the parent iteration that it also gets; absent where there is no parent. */
  readonly previous: readonly string[];
  /** A protobuf message's full name, `json` or `bytes`; `undefined` where it has `outputs`. */
  readonly output: string | undefined;
  /** Types of its outputs by their names, in the order of the file. @default it has one, without a name */
  readonly outputs?: Readonly<Record<string, string>>;
  /** Labels that a node must have. */
  readonly require: Readonly<Record<string, string>>;
  /** One attempt, from its assignment. @default 300000; run modules: none */
  readonly timeoutMs: number | undefined;
  readonly retry: RetryPolicy;
  /** `ignore`: when it fails for good, its dependents run without its output. @default 'fail' */
  readonly onError: 'fail' | 'ignore';
  /** Whether a new instance is started as soon as it registers. @default 'auto' */
  readonly start: 'auto' | 'manual';
  readonly liveness: {
    /** Silence after which a node gets no new work. @default 3000 */
    readonly unresponsiveAfterMs: number;
    /** Silence after which a node loses its executions. @default 10000 */
    readonly deadAfterMs: number;
  };
  /** It runs only where this holds; otherwise it is skipped. As written, and as a tree. @default it runs */
  readonly when?: { readonly text: string; readonly expression: Expression };
  /** It does no work: a person decides, and its output is the decision. @default nobody is asked */
  readonly approve?: ApprovalSpec;
  /** It does no work: a service is applied or removed, and it puts out nothing. @default no service is */
  readonly serve?: ServeSpec;
  /** It reuses the output of an earlier execution with the same inputs, if there is one. @default it runs */
  readonly cache?: true;
  /** It runs once for each item of this input, which is a list; `limit` of them at once. @default it runs once */
  readonly map?: { readonly input: string; readonly limit: number };
  /** Its work is a command. @default nodes of its name do it */
  readonly run?: RunSpec;
}

/** Which iterations are kept. One that another that stays was made from stays as well. */
export interface Retention {
  /** Those that ended longer ago may go. @default none do */
  readonly maxAgeMs?: number;
  /** Of the graph's iterations, those beyond the newest so many may go. @default none do */
  readonly maxIterations?: number;
  /** The newest so many of each problem stay; 0: a problem may go as a whole. @default 1 */
  readonly keepLast: number;
}

export interface Graph {
  readonly name: string;
  readonly source: { readonly name: string; readonly type: string };
  /** In topological order: a module comes after all its inputs; equals in the order of the file. */
  readonly modules: readonly ModuleSpec[];
  /** Fields of outputs, `module.field`, by which iterations are found without looking at each. @default none */
  readonly index?: readonly string[];
  /** @default none */
  readonly loops?: readonly LoopSpec[];
  /** @default everything is kept */
  readonly retention?: Retention;
}

/** Whether nodes of its name do its work, so that it takes a slot of one of them. */
export function isPlayedByNodes({
  run,
  approve,
  serve,
}: Pick<ModuleSpec, 'run' | 'approve' | 'serve'>): boolean {
  return !run && !approve && !serve;
}

/** The labels that a task requires in addition to its graph: by module and label. */
export type Requirements = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A stored graph's name and version, from 1. */
export interface GraphKey {
  readonly name: string;
  readonly version: number;
}

/** The outputs of a module, in the order of the file: one without a name, or those with names. */
export function outputsOf({ output = '', outputs }: Pick<ModuleSpec, 'output' | 'outputs'>): OutputSpec[] {
  if (!outputs) return [{ name: '', type: output }];
  return Object.entries(outputs).map(([name, type]) => ({ name, type }));
}

/**
 * How graphs and people refer to an output: `train` where the module has one, `train.plot` where it has several. No name has a dot, so
 * that it is clear what is what.
 */
export function outputReference(module: string, name: string | undefined): string {
  return name ? `${module}.${name}` : module;
}

/** The module and the output that a reference names; the name is empty where it has none. */
export function splitReference(reference: string): { readonly module: string; readonly name: string } {
  const dot = reference.indexOf('.');
  if (dot < 0) return { module: reference, name: '' };
  return { module: reference.slice(0, dot), name: reference.slice(dot + 1) };
}

/** References to all outputs of a module. */
export function referencesOf(spec: Pick<ModuleSpec, 'name' | 'output' | 'outputs'>): string[] {
  return outputsOf(spec).map(({ name }) => outputReference(spec.name, name));
}

/** The modules that a module's output reaches, in topological order, without itself. */
export function dependentsOf(graph: Graph, module: string): string[] {
  const reached = new Set([module]);
  const dependents: string[] = [];
  for (const spec of graph.modules) {
    if (!reached.has(spec.name) && spec.inputs.some((input) => reached.has(splitReference(input).module))) {
      reached.add(spec.name);
      dependents.push(spec.name);
    }
  }
  return dependents;
}

/** As much of a module as tells what leads to it. */
interface Linked {
  readonly name: string;
  readonly inputs: readonly string[];
}

/** The modules of a loop's body, in the order given; none where `to` does not reach `from`. */
export function bodyOf(modules: readonly Linked[], { from, to }: Pick<LoopSpec, 'from' | 'to'>): string[] {
  const before = new Map<string, readonly string[]>();
  const after = new Map<string, string[]>();
  for (const { name, inputs } of modules) {
    const sources = inputs.map((input) => splitReference(input).module);
    before.set(name, sources);
    for (const source of sources) {
      const known = after.get(source);
      if (known) known.push(name);
      else after.set(source, [name]);
    }
  }
  const isAfter = reachedFrom(to, after);
  const isBefore = reachedFrom(from, before);
  return modules.map(({ name }) => name).filter((name) => isAfter.has(name) && isBefore.has(name));
}

function reachedFrom(start: string, edges: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set<string>();
  const waiting = [start];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    waiting.push(...(edges.get(next) ?? []));
  }
  return reached;
}

/** The modules whose former outputs a module gets in a further pass: those of its loop's body, itself among them. */
export function fellowsOf(
  { modules, loops = [] }: Pick<Graph, 'modules' | 'loops'>,
  module: string,
): string[] {
  return loops.map((loop) => bodyOf(modules, loop)).find((body) => body.includes(module)) ?? [];
}

/** The type of what a reference stands for in a graph: its source's or an output's; nothing for an unknown one. */
export function typeOf(graph: Graph, reference: string): string | undefined {
  if (graph.source.name === reference) return graph.source.type;
  const { module, name } = splitReference(reference);
  const spec = graph.modules.find((one) => one.name === module);
  return spec && typeOfOutput(spec, name);
}

/** The type of one of a module's outputs; nothing for an unknown name. */
export function typeOfOutput({ output, outputs }: ModuleSpec, name: string): string | undefined {
  if (!outputs) return name === '' ? output : undefined;
  return Object.hasOwn(outputs, name) ? outputs[name] : undefined;
}

/** Every type that nodes of a module may be given or may publish, sorted, each once. */
export function typesOfModule(graph: Graph, module: string): string[] {
  const spec = graph.modules.find((one) => one.name === module);
  const fellows = fellowsOf(graph, module).flatMap((name) =>
    graph.modules.filter((one) => one.name === name),
  );
  const former = fellows.flatMap(referencesOf);
  const names = spec ? [...spec.inputs, ...spec.previous, ...referencesOf(spec), ...former] : [];
  return [...new Set(names.flatMap((name) => typeOf(graph, name) ?? []))].sort();
}

/** Every type in a graph, sorted, each once. */
export function typesOfGraph(graph: Graph): string[] {
  const types = graph.modules.flatMap((spec) => outputsOf(spec).map(({ type }) => type));
  return [...new Set([graph.source.type, ...types])].sort();
}

/** Files beside the graph file that its run modules name, each with the place where it is named first. */
export function filesOfGraph(graph: Graph): Map<string, string> {
  const files = new Map<string, string>();
  for (const { name, run } of graph.modules) {
    if (!run) continue;
    for (const [path, beside] of Object.entries(run.files)) {
      const isScript = run.work.kind === 'script' && run.work.path === path && beside === path;
      const key = /^[\w-]+$/.test(path) ? `.${path}` : `[${JSON.stringify(path)}]`;
      const at = `modules.${name}.run.${isScript ? 'script' : `files${key}`}`;
      if (!files.has(beside)) files.set(beside, at);
    }
  }
  return files;
}
