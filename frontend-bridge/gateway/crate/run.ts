/** What a crate is made of: one iteration that has ended, and the files that went in and came out. */
import { splitReference } from '../../../src/model/graph.js';
import type { Payload } from '../../../src/model/payload.js';

export interface CrateFile {
  /** In the archive, with `/`. */
  readonly path: string;
  readonly mediaType: string;
  readonly content: Payload;
}

export interface CrateError {
  readonly code: string;
  readonly message: string;
}

export interface CrateExecution {
  readonly execution_id: string;
  readonly module: string;
  readonly attempt: number;
  /** Of a module with `map`, its number. */
  readonly item: number | null;
  readonly generation: number;
  readonly node_id: string;
  readonly state: string;
  readonly assigned_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly error: CrateError | null;
}

export interface CrateModule {
  readonly inputs: readonly string[];
  /** Those whose outputs in the parent iteration are inputs too. */
  readonly previous: readonly string[];
  /** Those of them that it was given last; a further pass of a loop is given those of the pass before instead. */
  readonly fed_before: readonly string[];
  /** How the graph refers to its outputs: `train`, or `train.plot` where it has several. */
  readonly references: readonly string[];
  /** By reference, the files of those that there are, and the execution that published them. */
  readonly outputs: Readonly<Record<string, { readonly file: CrateFile; readonly execution_id: string }>>;
  /** By the input's name, the file that stood in the place of the graph's value. */
  readonly overrides: Readonly<Record<string, CrateFile>>;
  /** Which executions belong to the inputs as they are now: a reset begins another generation. */
  readonly generation: number;
  /** The iteration that its output was taken over from. */
  readonly reused_from: number | undefined;
  /** Of the program that ran it, where its nodes are known and say so. */
  readonly version: string | undefined;
}

/** A run of a graph. */
export interface CrateRun {
  /** That the problem belongs to. */
  readonly project: string;
  readonly title: string | null;
  readonly task_id: string;
  readonly problem_id: string;
  readonly iteration_id: number;
  readonly parent_iteration_id: number | null;
  readonly state: string;
  readonly reason: string | null;
  readonly error: (CrateError & { readonly module?: string }) | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string;
  readonly graph: {
    readonly name: string;
    readonly version: number;
    readonly created_at: string;
    readonly source: string;
    readonly modules: Readonly<Record<string, CrateModule>>;
  };
  /** In the order of their assignment; of a module that was taken over, the execution that ran. */
  readonly executions: readonly CrateExecution[];
  /** `graph.yaml`. */
  readonly workflow: CrateFile;
  readonly input: CrateFile;
  /** By module, the outputs of the parent that were inputs too. */
  readonly previous: Readonly<Record<string, CrateFile>>;
  /** What is told in full, for programs. */
  readonly documents: readonly CrateFile[];
  /** Of Tutti. */
  readonly version: string;
  /** The address of the licence under which the crate is given on. */
  readonly license: string;
}

/** Every file of the archive but its description. */
export function filesOf(run: CrateRun): CrateFile[] {
  const modules = Object.values(run.graph.modules);
  return [
    run.workflow,
    ...run.documents,
    run.input,
    ...modules.flatMap(({ overrides }) => Object.values(overrides)),
    ...Object.values(run.previous),
    ...modules.flatMap(({ outputs }) => Object.values(outputs).map(({ file }) => file)),
  ];
}

export function sizeOf({ content }: CrateFile): number {
  return content.kind === 'inline' ? content.bytes.byteLength : content.blob.size;
}

/** The file of an output, by its reference. */
export function outputFile({ graph: { modules } }: CrateRun, reference: string): CrateFile | undefined {
  const { outputs = {} } = modules[splitReference(reference).module] ?? {};
  return outputs[reference]?.file;
}

/** The outputs that no module takes, as far as they are there. */
export function resultsOf({ graph: { modules } }: CrateRun): string[] {
  const taken = new Set(Object.values(modules).flatMap(({ inputs }) => inputs));
  return Object.values(modules).flatMap(({ outputs }) =>
    Object.keys(outputs).filter((reference) => !taken.has(reference)),
  );
}
