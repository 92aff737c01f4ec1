/**
 * The keys of connections in the store, each as an entry of its own.
 *
 * V1. Secret keys are there encrypted with the key of the secrets, which no backup has: who reads a backup cannot pass for the orchestrator.
 * V2. What changes at once is stored at once, or not at all.
 * V3. A pair that another key has sealed is as if it were not there. It stays in the store, for when its key is given.
 */
import { isDeepStrictEqual } from 'node:util';
import { type KeyEntry, keyIdOf, type ServerKeyEntry } from '../../model/connection-key.js';
import type { KeyRecord, ServerKeyRow } from './node-keys.js';
import type { Vault } from './vault.js';

export interface KeyChanges {
  readonly kept: readonly KeyEntry[];
  /** By what they are stored under. */
  readonly dropped: readonly string[];
}

export interface KeptKeysDeps {
  /** The keys in the store. */
  readonly entries: Iterable<KeyEntry>;
  readonly vault: Pick<Vault, 'seal' | 'open'>;
  /** Settles when it is stored. */
  readonly commit: (changes: KeyChanges) => Promise<void>;
}

export class KeptKeys {
  readonly #deps: KeptKeysDeps;
  /** Those that the key at hand opens, by what they are stored under. */
  #kept: ReadonlyMap<string, KeyEntry>;
  /** By rows, which do not change: most of them are the same each time. */
  readonly #entries = new WeakMap<object, KeyEntry>();
  /** As it was when this process began. */
  readonly record: KeyRecord;
  /** Public keys of pairs that the key at hand does not open. */
  readonly locked: readonly string[];

  constructor(deps: KeptKeysDeps) {
    this.#deps = deps;
    const entries = [...deps.entries];
    const server: ServerKeyRow[] = [];
    const locked: string[] = [];
    for (const entry of entries) {
      if (entry.kind !== 'server') continue;
      const { public_key, sealed, created_at, expires_at } = entry;
      const secret_key = deps.vault.open({ name: sealedUnder(public_key), sealed });
      if (secret_key === undefined) locked.push(public_key);
      else server.push({ public_key, secret_key, created_at, expires_at });
    }
    this.locked = locked;
    this.record = {
      server: server.sort(inUseFirst),
      keys: entries.flatMap((entry) => (entry.kind === 'node' ? [withoutKind(entry)] : [])),
      joins: entries.flatMap((entry) => (entry.kind === 'join' ? [withoutKind(entry)] : [])),
    };
    const isLocked = (entry: KeyEntry): boolean =>
      entry.kind === 'server' && locked.includes(entry.public_key);
    this.#kept = new Map(entries.filter((entry) => !isLocked(entry)).map((entry) => [keyIdOf(entry), entry]));
  }

  /** V2. Stores what is another than before. */
  async save({ server, keys, joins }: KeyRecord): Promise<void> {
    const entries = [
      ...server.map((row) => this.#entryOf(row, (pair) => this.#seal(pair))),
      ...keys.map((row) => this.#entryOf(row, (key) => ({ kind: 'node', ...key }))),
      ...joins.map((row) => this.#entryOf(row, (join) => ({ kind: 'join', ...join }))),
    ];
    const next = new Map(entries.map((entry) => [keyIdOf(entry), entry]));
    const kept = entries.filter((entry) => {
      const before = this.#kept.get(keyIdOf(entry));
      return before !== entry && !isDeepStrictEqual(before, entry);
    });
    const dropped = [...this.#kept.keys()].filter((id) => !next.has(id));
    if (kept.length + dropped.length > 0) await this.#deps.commit({ kept, dropped });
    this.#kept = next;
  }

  #entryOf<T extends object>(row: T, make: (row: T) => KeyEntry): KeyEntry {
    const known = this.#entries.get(row);
    if (known) return known;
    // As it comes back: without fields that are absent.
    const entry = JSON.parse(JSON.stringify(make(row))) as KeyEntry;
    this.#entries.set(row, entry);
    return entry;
  }

  /** V1. */
  #seal({ public_key, secret_key, created_at, expires_at }: ServerKeyRow): ServerKeyEntry {
    const before = this.#kept.get(`server ${public_key}`);
    const sealed =
      before?.kind === 'server' ? before.sealed : this.#deps.vault.seal(sealedUnder(public_key), secret_key);
    return { kind: 'server', public_key, sealed, created_at, expires_at };
  }
}

/** V3. What the file of an older version has besides: it is as new as the store, or of another time. */
export function withFile(kept: KeyRecord, file: KeyRecord): KeyRecord {
  const keys = new Map(kept.keys.map((row) => [row.key, row]));
  for (const row of file.keys) {
    const known = keys.get(row.key) ?? row;
    // K2: of a revocation, neither is forgotten.
    keys.set(row.key, { ...known, revoked_at: known.revoked_at ?? row.revoked_at });
  }
  return {
    server: [...new Map([...file.server, ...kept.server].map((row) => [row.public_key, row])).values()].sort(
      inUseFirst,
    ),
    keys: [...keys.values()],
    joins: [...new Map([...file.joins, ...kept.joins].map((row) => [row.hash, row])).values()],
  };
}

/** What a secret key is sealed under in the vault, which no secret can be called. */
export function sealedUnder(publicKey: string): string {
  return `connection key ${publicKey}`;
}

function inUseFirst(a: ServerKeyRow, b: ServerKeyRow): number {
  const isUsed = Number(b.expires_at === null) - Number(a.expires_at === null);
  return isUsed || b.created_at.localeCompare(a.created_at);
}

function withoutKind<T extends { readonly kind: string }>({ kind: _, ...row }: T): Omit<T, 'kind'> {
  return row;
}
