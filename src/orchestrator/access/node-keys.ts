/**
 * Who may connect with CURVE: the orchestrator's own key pairs, the keys of nodes and subscribers, and the join tokens by which
 * nodes enrol theirs.
 *
 * K1. What is granted is on the disk before anybody is told, and so is a revocation. What could not be stored is not granted.
 * K2. A revoked key is never admitted again, whatever token comes with it.
 * K3. A token is stored as a hash, enrols as many keys as it has uses, and is of no use to a key that is enrolled already.
 * K4. A node says hello only for modules (and the instance) that its key is enrolled for. An instance belongs to the key that had
 *     it first since the orchestrator was started, and no other key can make it forget that.
 * K5. What was made for a run of a replica goes with that run: its token, if that is not used, and its key, unless that was revoked (K2).
 * K6. A further token adds a module to a key and changes nothing about those that it has.
 */
import { randomBytes } from 'node:crypto';
import { sha256Of } from '../../base/sha256.js';
import { keyFromZ85, toZ85 } from '../../base/z85.js';
import { type KeyPair, keyPairOf } from '../../bus/zmtp/boxes.js';
import type { JoinRow, NodeKeyRow } from '../../model/connection-key.js';

export interface ServerKeyRow {
  readonly public_key: string;
  readonly secret_key: string;
  readonly created_at: string;
  /** RFC 3339, or nothing for the one in use. */
  readonly expires_at: string | null;
}

/** All of it. */
export interface KeyRecord {
  readonly server: readonly ServerKeyRow[];
  readonly keys: readonly NodeKeyRow[];
  readonly joins: readonly JoinRow[];
}

export interface NodeKeysDeps {
  /** The data that `save` has stored; empty at the first start. */
  readonly stored: KeyRecord;
  /** Keeps the record, whole or not at all, and durably. */
  readonly save: (record: KeyRecord) => Promise<void>;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
  /** A node has enrolled its key with a join token. @default nobody notes it */
  readonly onEnrolled?: (enrolled: Enrolled) => void;
  /** Ends the connections of a key that may no longer be here. */
  readonly onRevoked: (key: string) => void;
}

export interface NewJoin {
  readonly join_id: string;
  readonly token: string;
  readonly module: string;
  readonly instance: string | null;
  readonly uses: number;
  readonly expires_at: string;
}

export interface Enrolled {
  readonly key: string;
  readonly module: string;
  readonly instance: string;
  readonly address: string;
}

/** Who says hello. */
export interface Applicant {
  readonly module: string;
  readonly instance: string;
  readonly token: string;
}

type Joined = { readonly ok: true; readonly undo: () => void } | { readonly ok: false; readonly why: string };

const TOKEN_PREFIX = 'tutti-join-';
const SECRET_BYTES = 24;
/** As many as there may be nodes; a key that names more loses the one that it named first. */
const INSTANCES_OF_KEY = 10_000;

export class NodeKeys {
  readonly #deps: NodeKeysDeps;
  #server: readonly ServerKeyRow[];
  readonly #keys: Map<string, NodeKeyRow>;
  #joins: Map<string, JoinRow>;
  /** By module and instance, the key that has it. */
  readonly #owners = new Map<string, string>();
  /** By key, what it has. */
  readonly #places = new Map<string, Set<string>>();
  #pairs: { readonly pair: KeyPair; readonly expiresMs: number }[] = [];
  /** By key, those whose enrolment is not stored yet. */
  readonly #joining = new Map<string, Promise<void>>();
  #saving: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** Makes the first key pair where there is none: `keep` stores it, before anybody is told of it. */
  constructor(deps: NodeKeysDeps) {
    this.#deps = deps;
    const { server, keys, joins } = deps.stored;
    this.#server = server.length > 0 ? server : [newServerKey(deps.nowMs())];
    this.#readPairs();
    this.#keys = new Map(keys.map((row) => [row.key, row]));
    this.#joins = new Map(joins.map((row) => [row.hash, row]));
  }

  /** Settles when all that there is has been stored. */
  keep(): Promise<void> {
    return this.#save();
  }

  /** The key by which nodes recognise this orchestrator, as Z85. */
  get publicKey(): string {
    return this.#server[0]!.public_key;
  }

  /** The pairs that are valid now, the one in use first. */
  serverPairs(): readonly KeyPair[] {
    const now = this.#deps.nowMs();
    return this.#pairs.filter(({ expiresMs }) => expiresMs > now).map(({ pair }) => pair);
  }

  /** Whether a peer with this key may use this socket. On the control socket, a new key may show a token while there is one. */
  admits(key: string, socket: 'control' | 'outputs' | 'events'): boolean {
    const row = this.#keys.get(key);
    if (!row) return socket === 'control' && this.#hasJoins();
    // K2
    if (row.revoked_at !== null) return false;
    return socket === 'events' ? row.subscribe : row.modules.length > 0;
  }

  /** Why this key may not say this hello, or nothing if it may. Enrols the key of a valid token. Rejects if it cannot be stored. */
  async authorize(key: string, applicant: Applicant, address = ''): Promise<string | undefined> {
    const { module, instance } = applicant;
    // K1: whether it is enrolled is not certain before that. If it fails, those who have asked for it are told.
    const joining = this.#joining.get(key);
    if (joining) await joining.catch(() => {});
    const row = this.#keys.get(key);
    if (row && row.revoked_at !== null) return 'this key has been revoked';
    const mayBe = row?.modules.includes(module) && (row.instance ?? instance) === instance;
    if (!mayBe) {
      const joined = this.#join(key, row, applicant);
      if (!joined.ok) return joined.why;
      const storing = this.#saveOr(joined.undo).finally(() => this.#joining.delete(key));
      this.#joining.set(key, storing);
      await storing;
      // K2, K5: it may have been revoked, or its run have ended, meanwhile.
      if (this.#keys.get(key)?.revoked_at !== null) return 'this key has been revoked';
      this.#deps.onEnrolled?.({ key, module, instance, address });
    }
    // K4
    const place = `${module} ${instance}`;
    const owner = this.#owners.get(place) ?? key;
    if (owner !== key) return `the instance ${instance} belongs to another key`;
    this.#own(place, key, owner);
    return undefined;
  }

  /** A token that enrols the keys of nodes. */
  async enroll(options: {
    readonly module: string;
    readonly instance: string | null;
    readonly uses: number;
    readonly expiresInMs: number;
    readonly run?: string;
  }): Promise<NewJoin> {
    const secret = Buffer.concat([keyFromZ85(this.publicKey)!, randomBytes(SECRET_BYTES)]);
    const token = TOKEN_PREFIX + secret.toString('base64url');
    const { module, instance, uses, run } = options;
    const expires_at = new Date(this.#deps.nowMs() + options.expiresInMs).toISOString();
    const join_id = randomBytes(8).toString('hex');
    const row = { join_id, hash: sha256Of(token), module, instance, uses_left: uses, expires_at, run };
    this.#joins.set(row.hash, row);
    await this.#saveOr(() => this.#joins.delete(row.hash));
    return { join_id, token, module, instance, uses, expires_at };
  }

  /** Enrols a key that is known by other means. Returns nothing if it was revoked before. */
  async add(key: string, grants: { readonly subscribe: boolean }): Promise<NodeKeyRow | undefined> {
    const before = this.#keys.get(key);
    if (before && before.revoked_at !== null) return undefined;
    const row = { ...(before ?? this.#newRow(key)), ...grants };
    this.#keys.set(key, row);
    await this.#saveOr(() => this.#restore(row, before));
    return row;
  }

  /** At once and forever. Returns nothing if the key is not known. */
  async revoke(key: string): Promise<NodeKeyRow | undefined> {
    const before = this.#keys.get(key);
    if (!before) return undefined;
    const row = { ...before, revoked_at: before.revoked_at ?? this.#now() };
    // K2: also where the disk is full, until the process ends.
    this.#keys.set(key, row);
    this.#disown(key);
    this.#deps.onRevoked(key);
    await this.#save();
    return row;
  }

  /** K5: of runs that have ended, what was made for them is gone. */
  async endRuns(isOpen: (run: string) => boolean): Promise<void> {
    const hasEnded = ({ run }: { readonly run?: string | undefined }): boolean =>
      run !== undefined && !isOpen(run);
    const keys = [...this.#keys.values()].filter((row) => row.revoked_at === null && hasEnded(row));
    const joins = [...this.#joins.values()].filter(hasEnded);
    if (keys.length + joins.length === 0) return;
    for (const { hash } of joins) this.#joins.delete(hash);
    for (const { key } of keys) {
      this.#keys.delete(key);
      this.#disown(key);
      this.#deps.onRevoked(key);
    }
    await this.#save();
  }

  /** Uses a new key pair from now on; those before stay valid for so long. */
  async rotate(forMs: number): Promise<ServerKeyRow> {
    const now = this.#deps.nowMs();
    const until = new Date(now + forMs).toISOString();
    const before = this.#server.filter(
      ({ expires_at }) => expires_at === null || Date.parse(expires_at) > now,
    );
    const shortened = before.map((row) => ({
      ...row,
      expires_at: row.expires_at !== null && row.expires_at < until ? row.expires_at : until,
    }));
    const [former, next] = [this.#server, [newServerKey(now), ...shortened]];
    this.#server = next;
    this.#readPairs();
    await this.#saveOr(() => {
      if (this.#server !== next) return;
      this.#server = former;
      this.#readPairs();
    });
    return next[0]!;
  }

  list(): readonly Omit<NodeKeyRow, 'run'>[] {
    return [...this.#keys.values()].map(({ run: _, ...row }) => row);
  }

  /** Without their secrets. */
  serverKeys(): readonly Omit<ServerKeyRow, 'secret_key'>[] {
    return this.#server.map(({ secret_key: _, ...row }) => row);
  }

  #hasJoins(): boolean {
    const now = this.#now();
    for (const { uses_left, expires_at } of this.#joins.values())
      if (uses_left > 0 && expires_at > now) return true;
    return false;
  }

  /** K4 */
  #own(place: string, key: string, before: string): void {
    if (before !== key) this.#places.get(before)?.delete(place);
    const places = this.#places.get(key) ?? new Set();
    this.#places.set(key, places.add(place));
    this.#owners.set(place, key);
    if (places.size <= INSTANCES_OF_KEY) return;
    const [first] = places;
    places.delete(first!);
    this.#owners.delete(first!);
  }

  #disown(key: string): void {
    for (const place of this.#places.get(key) ?? []) this.#owners.delete(place);
    this.#places.delete(key);
  }

  /** K3, K6 */
  #join(key: string, before: NodeKeyRow | undefined, applicant: Applicant): Joined {
    const { module, instance, token } = applicant;
    const join = token.startsWith(TOKEN_PREFIX) ? this.#joins.get(sha256Of(token)) : undefined;
    if (!join) {
      const enrolled = before && before.modules.length > 0 ? before.modules.join(', ') : undefined;
      return refused(
        enrolled === undefined
          ? 'this key is not enrolled: start the node with TUTTI_JOIN and a token of `tutti node enroll`'
          : `this key is enrolled for ${enrolled}${before?.instance ? ` as ${before.instance}` : ''} only`,
      );
    }
    if (join.uses_left < 1 || join.expires_at <= this.#now())
      return refused('the join token is used up or has expired');
    if (join.module !== module) return refused(`the join token is for the module ${join.module}`);
    if ((join.instance ?? instance) !== instance)
      return refused(`the join token is for the instance ${join.instance}`);
    if (before && before.modules.length > 0 && before.instance !== join.instance) {
      const [has, asked] = [before.instance, join.instance].map((one) => one ?? 'any instance');
      return refused(`this key is enrolled as ${has} and not as ${asked}: set TUTTI_KEYS to another folder`);
    }
    this.#joins.set(join.hash, { ...join, uses_left: join.uses_left - 1 });
    const known = before ?? { ...this.#newRow(key), run: join.run };
    const modules = [...new Set([...known.modules, module])];
    const row = { ...known, modules, instance: join.instance };
    this.#keys.set(key, row);
    const undo = (): void => {
      this.#restore(row, before);
      const left = this.#joins.get(join.hash)?.uses_left ?? 0;
      this.#joins.set(join.hash, { ...join, uses_left: left + 1 });
    };
    return { ok: true, undo };
  }

  /** Takes a change of a key back, unless it has changed again. */
  #restore(row: NodeKeyRow, before: NodeKeyRow | undefined): void {
    if (this.#keys.get(row.key) !== row) return;
    if (before) this.#keys.set(row.key, before);
    else this.#keys.delete(row.key);
  }

  #newRow(key: string): NodeKeyRow {
    const none = { modules: [], instance: null, subscribe: false, revoked_at: null };
    return { key, ...none, enrolled_at: this.#now() };
  }

  #readPairs(): void {
    this.#pairs = this.#server.map(({ secret_key, expires_at }) => ({
      pair: keyPairOf(keyFromZ85(secret_key)),
      expiresMs: expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(expires_at),
    }));
  }

  #now(): string {
    return new Date(this.#deps.nowMs()).toISOString();
  }

  /** K1: takes back what could not be stored. */
  async #saveOr(undo: () => void): Promise<void> {
    try {
      await this.#save();
    } catch (cause) {
      undo();
      throw cause;
    }
  }

  /** Settles when all that has changed before is kept. What changes while one record is written is in the next. */
  #save(): Promise<void> {
    if (!this.#saving) {
      this.#saving = this.#write().finally(() => {
        this.#saving = undefined;
      });
      return this.#saving;
    }
    this.#next ??= this.#saving
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.#save();
      });
    return this.#next;
  }

  async #write(): Promise<void> {
    // Those that change in the same turn are in it.
    await Promise.resolve();
    const now = this.#now();
    this.#joins = new Map(
      [...this.#joins].filter(([, { uses_left, expires_at }]) => uses_left > 0 && expires_at > now),
    );
    const server = this.#server.filter(({ expires_at }) => expires_at === null || expires_at > now);
    await this.#deps.save({ server, keys: [...this.#keys.values()], joins: [...this.#joins.values()] });
  }
}

function refused(why: string): Joined {
  return { ok: false, why };
}

function newServerKey(nowMs: number): ServerKeyRow {
  const { publicKey, secretKey } = keyPairOf();
  return {
    ...{ public_key: toZ85(publicKey), secret_key: toZ85(secretKey) },
    ...{ created_at: new Date(nowMs).toISOString(), expires_at: null },
  };
}
