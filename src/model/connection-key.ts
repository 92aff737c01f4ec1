/** Who may connect with CURVE, as it is stored: the orchestrator's own key pairs, the keys of nodes and subscribers, and join tokens. Times are RFC 3339. */

/** A key pair of the orchestrator. */
export interface ServerKeyEntry {
  readonly kind: 'server';
  /** As Z85. */
  readonly public_key: string;
  /** The secret key, encrypted (`orchestrator/access/vault.ts`). */
  readonly sealed: string;
  readonly created_at: string;
  /** Nothing for the one in use. */
  readonly expires_at: string | null;
}

export interface NodeKeyRow {
  /** As Z85. */
  readonly key: string;
  readonly modules: readonly string[];
  /** The only instance that it may register, or nothing for any. */
  readonly instance: string | null;
  /** Whether it may subscribe to events. */
  readonly subscribe: boolean;
  readonly enrolled_at: string;
  readonly revoked_at: string | null;
  /** The run of a replica of a service that it is for: it goes with that. */
  readonly run?: string | undefined;
}

export interface JoinRow {
  readonly join_id: string;
  /** SHA-256 of the token, in hexadecimal. */
  readonly hash: string;
  readonly module: string;
  readonly instance: string | null;
  readonly uses_left: number;
  readonly expires_at: string;
  /** The run that it is for, and the key that it enrols. */
  readonly run?: string | undefined;
}

export type KeyEntry =
  | ServerKeyEntry
  | ({ readonly kind: 'node' } & NodeKeyRow)
  | ({ readonly kind: 'join' } & JoinRow);

/** The key under which it is stored. */
export function keyIdOf(entry: KeyEntry): string {
  switch (entry.kind) {
    case 'server':
      return `server ${entry.public_key}`;
    case 'node':
      return `node ${entry.key}`;
    case 'join':
      return `join ${entry.hash}`;
    default:
      return entry satisfies never;
  }
}
