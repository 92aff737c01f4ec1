/** As much of the type registry as graphs need. */
export interface KnownTypes {
  has(type: string): boolean;
  /** For suggestions. */
  names?(): readonly string[];
  /** To tell the fields of a type. */
  jsonSchema?(type: string): unknown;
}
