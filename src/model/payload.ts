/** A blob by its content: lower-case hex of its SHA-256, and its size in bytes. */
export interface BlobRef {
  readonly sha256: string;
  readonly size: number;
}

/** The content of an output or input: the bytes themselves, or a reference to a blob. */
export type Payload =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'blob'; readonly blob: BlobRef };

/** Where a payload is stored: the `payloads` row (problem_id, iteration_id, owner, seq). */
export interface PayloadRef {
  readonly problemId: string;
  readonly iterationId: number;
  /**
   * `input`, `override/<module>/<input>`, `approval/<module>`, `cached/<module>` (of pass 3 `cached/<module>/3`), or the execution_id that published it;
   * of a module with `map` see `map.ts`.
   */
  readonly owner: string;
  /** 0 for what no execution published; of an item, its number. */
  readonly seq: number;
  readonly blob?: BlobRef;
}
