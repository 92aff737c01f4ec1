/** A blob by its content: lower-case hex of its SHA-256, and its size in bytes. */
export interface BlobRef {
  readonly sha256: string;
  readonly size: number;
}

/** What an output or an input carries: the bytes themselves, or a reference to a blob. */
export type Payload =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'blob'; readonly blob: BlobRef };
