/** Every answer of `/v1`: a page of a list, an error, and the faults of an input. */

export interface ErrorJson {
  readonly code: string;
  readonly message: string;
  readonly retryable?: boolean;
  /** Of a task: the module that failed. */
  readonly module?: string;
  /** Where it was raised and what caused it. */
  readonly stack?: string;
}

export interface FaultJson {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

export interface PageJson<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

/** The declared fields and more: an answer may have fields that no reader in this repository needs. */
export type Open<T> = T & Readonly<Record<string, unknown>>;
