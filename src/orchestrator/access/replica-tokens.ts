/**
 * The token with which a service's replica registers as a node, if a token is needed and connections are not encrypted.
 *
 * T1. Nothing of a token is stored. It says which module and instance may say hello with it, and in which run, sealed with the key of the secrets: it
 *     lasts over a restart of the orchestrator.
 * T2. It is worth nothing for another module or instance, after its run, or for HTTP.
 */
import type { Hello } from '../../model/protocol.js';
import type { Vault } from './vault.js';

export interface ReplicaNode {
  readonly module: string;
  readonly instance: string;
  readonly run: string;
}

export interface ReplicaTokensDeps {
  readonly vault: Pick<Vault, 'seal' | 'open'>;
  /** Whether this run of a replica goes on. */
  readonly isOpen: (run: string) => boolean;
}

const PREFIX = 'tutti-replica-';
/** The name under which a token is sealed; no secret can have it. */
const SEALED_UNDER = 'token of a replica';

export class ReplicaTokens {
  readonly #deps: ReplicaTokensDeps;

  constructor(deps: ReplicaTokensDeps) {
    this.#deps = deps;
  }

  /** T1 */
  seal({ module, instance, run }: ReplicaNode): string {
    const sealed = this.#deps.vault.seal(SEALED_UNDER, JSON.stringify([module, instance, run]));
    return PREFIX + Buffer.from(sealed, 'base64').toString('base64url');
  }

  /** T2 */
  admits(hello: Pick<Hello, 'module' | 'instance' | 'token'>): boolean {
    if (!hello.token.startsWith(PREFIX)) return false;
    const sealed = Buffer.from(hello.token.slice(PREFIX.length), 'base64url').toString('base64');
    const text = this.#deps.vault.open({ name: SEALED_UNDER, sealed });
    if (text === undefined) return false;
    const [module, instance, run] = JSON.parse(text) as [string, string, string];
    return module === hello.module && instance === hello.instance && this.#deps.isOpen(run);
  }
}
