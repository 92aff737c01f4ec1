/** A graph, its modules and its loops. */
import type { ApprovalSpec } from '../model/approval.js';

/** The work of a run module as its graph declares it. */
export interface RunJson {
  readonly command?: readonly string[];
  readonly script?: string;
  readonly args?: readonly string[];
}

export interface GraphModuleJson {
  readonly inputs: readonly string[];
  readonly previous?: readonly string[];
  /** Null where it has `outputs`. */
  readonly output: string | null;
  /** JSON Schema of the output, with the comments of its type. */
  readonly schema?: unknown;
  /** Several outputs by their names. */
  readonly outputs?: Readonly<Record<string, { readonly type: string; readonly schema?: unknown }>>;
  readonly retry?: { readonly attempts?: number };
  /** Labels that its node has to have. */
  readonly require?: Readonly<Record<string, string>>;
  readonly timeout_ms?: number | null;
  /** Its work is a command. */
  readonly run?: RunJson | null;
  readonly on_error?: 'fail' | 'ignore';
  /** It runs only where this holds. */
  readonly when?: string;
  /** It does no work: a person decides. */
  readonly approve?: ApprovalSpec;
  /** It runs once for each item of this input, `map_limit` at once. */
  readonly map?: string;
  readonly map_limit?: number;
  /** It reuses the output of an earlier execution with the same inputs. */
  readonly cache?: true;
}

/** Modules that run again until a condition holds. */
export interface LoopJson {
  readonly from: string;
  readonly to: string;
  readonly until: string;
  /** Passes in all. */
  readonly max: number;
  readonly on_max: 'fail' | 'continue';
  /** All of it, in playing order. */
  readonly modules: readonly string[];
}

export interface GraphJson {
  readonly name: string;
  readonly version: number;
  readonly source: {
    readonly name: string;
    readonly type: string;
    /** JSON Schema, draft 2020-12, of the type's JSON mapping. */
    readonly schema?: Readonly<Record<string, unknown>>;
  };
  readonly modules: Readonly<Record<string, GraphModuleJson>>;
  /** Fields of outputs that are kept in an index: `MODULE.FIELD`. */
  readonly index?: readonly string[];
  readonly loops?: readonly LoopJson[];
  readonly yaml?: string;
  readonly created_at?: string;
}

/** An input that shows what the graph is for. */
export interface SampleJson {
  readonly name: string;
  readonly title: string;
  readonly input: unknown;
}

export interface GraphSummaryJson {
  readonly name: string;
  readonly version: number;
}

/** A graph by itself. */
export interface GraphAnswerJson extends GraphJson {
  readonly loops: readonly LoopJson[];
  readonly yaml: string;
  readonly created_at: string;
}
