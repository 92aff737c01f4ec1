/**
 * The folders of attempts that are on the cluster, each as a file in the agent's state folder: where the log stands, and the promise
 * to remove it. A folder is noted before it can exist, and forgotten after it was removed, so that none is left behind. One that is to stay
 * is noted once more, until its task is removed.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogPlace } from './log-follower.js';

/** What is known of an attempt. */
export interface Attempt {
  readonly log: LogPlace;
  /** Once the cluster has taken its command. */
  readonly engineId?: string;
}

/** An execution that has ended, and whose folder stays. */
export interface KeptFolder {
  readonly executionId: string;
  readonly lease: string;
}

const NOTHING: Attempt = { log: { stdout: 0, stderr: 0, lines: 0 } };
const SUFFIX = '.attempt';
const KEPT = '.kept';

export class Folders {
  readonly #dir: string;

  /** `dir`: the agent's state folder. */
  constructor(dir: string) {
    this.#dir = join(dir, 'attempts');
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
  }

  /** Those of all attempts whose folders may be there. */
  keys(): string[] {
    return readdirSync(this.#dir)
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => name.slice(0, -SUFFIX.length));
  }

  /** What an earlier process knew of it. */
  note(key: string): Attempt {
    const attempt = this.#read(key);
    if (!attempt) this.save(key, NOTHING);
    return attempt ?? NOTHING;
  }

  save(key: string, attempt: Attempt): void {
    const path = this.path(key);
    writeFileSync(`${path}.new`, JSON.stringify(attempt), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  forget(key: string): void {
    rmSync(this.path(key), { force: true });
    rmSync(`${this.path(key)}.log`, { force: true });
  }

  /** It stays as long as its task. */
  keep({ executionId, lease }: KeptFolder): void {
    const path = this.#keptPath(executionId);
    writeFileSync(`${path}.new`, JSON.stringify({ executionId, lease }), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  isKept(key: string): boolean {
    return existsSync(this.#keptPath(key));
  }

  kept(): KeptFolder[] {
    return readdirSync(this.#dir)
      .filter((name) => name.endsWith(KEPT))
      .map((name) => JSON.parse(readFileSync(join(this.#dir, name), 'utf8')) as KeptFolder);
  }

  unkeep(key: string): void {
    rmSync(this.#keptPath(key), { force: true });
  }

  #keptPath(key: string): string {
    return join(this.#dir, `${key}${KEPT}`);
  }

  path(key: string): string {
    return join(this.#dir, `${key}${SUFFIX}`);
  }

  /** Where a log lies on its way from the cluster. */
  logPath(key: string): string {
    return `${this.path(key)}.log`;
  }

  #read(key: string): Attempt | undefined {
    try {
      return JSON.parse(readFileSync(this.path(key), 'utf8')) as Attempt;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw thrown;
    }
  }
}
