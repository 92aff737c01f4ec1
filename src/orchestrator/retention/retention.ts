/**
 * Forgets what is not to be kept: old iterations of graphs that say so, the old end of the event stream, blobs that nobody refers to,
 * idempotency keys that have expired, commands that were finished long ago, boots that were replaced long ago, nodes long dead.
 *
 * 1. It reads and proposes (`../proposals/proposals.ts`). The loop decides and commits, so nothing goes that somebody has begun to use meanwhile.
 * 2. What it proposes only removes, so it gets through on a full disk as well, and makes the room that others wait for.
 * 3. Nothing goes for its age while the wall clock is in doubt.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../../base/logger.js';
import type { Retention as Policy } from '../../model/graph.js';
import type { Reader } from '../../store/store.js';
import type { State } from '../core/state.js';
import type { Proposals } from '../proposals/proposals.js';
import { forgetBoots, forgetCommands, forgetNodes, NODES_KEPT } from './fleet.js';
import { forgetIterations } from './iterations.js';
import { forgetAnswers, forgetBlobs, forgetEvents } from './leftovers.js';
import type { Pass } from './pass.js';

const DAY_MS = 24 * 60 * 60 * 1000;

export interface RetentionDeps {
  readonly store: Reader;
  readonly proposals: Proposals;
  readonly graphs: Pick<State, 'graph' | 'graphs'>;
  readonly wallMs: () => number;
  /** Whether old data may be removed because of its age; see `age-guard.ts`. */
  readonly agesAreBelieved: () => boolean;
  /** The newest events that are kept; 0: all. */
  readonly keepEvents: number;
  /** After so many days finished commands, replaced boots and dead nodes are forgotten. */
  readonly forgetDays: number;
  /** @default 5000 */
  readonly nodesKept?: number;
  /** Takes a blob's row by `take`, then its file, with nobody uploading it meanwhile. */
  readonly collectBlob: (sha256: string, take: () => Promise<boolean>) => Promise<void>;
  readonly logger: Logger;
}

export interface Forgotten {
  iterations: number;
  problems: number;
  events: number;
  blobs: number;
  keys: number;
  commands: number;
  boots: number;
  nodes: number;
}

export class Retention {
  readonly #deps: RetentionDeps;
  readonly #pass: Pass;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  /** Ends the pause before the next pass. */
  #hurry = new AbortController();

  constructor(deps: RetentionDeps) {
    this.#deps = deps;
    const { store, proposals, wallMs } = deps;
    this.#pass = { store, proposals, wallMs, signal: this.#stopping.signal };
  }

  /** A pass every `intervalMs`, the first after as long. */
  start(intervalMs: number): void {
    this.#running ??= this.#repeat(intervalMs);
  }

  /** Room is needed: the next pass begins now, or when the one under way is over. */
  hurry(): void {
    this.#hurry.abort();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#hurry.abort();
    await this.#running;
  }

  /** One pass over everything. */
  async run(): Promise<Forgotten> {
    const { graphs, wallMs, keepEvents, forgetDays, nodesKept = NODES_KEPT, collectBlob } = this.#deps;
    const pass = this.#pass;
    const forgotten: Forgotten = {
      ...{ iterations: 0, problems: 0, events: 0, blobs: 0, keys: 0 },
      ...{ commands: 0, boots: 0, nodes: 0 },
    };
    const byAge = this.#deps.agesAreBelieved();
    for (const name of [...graphs.graphs.keys()]) {
      const policy = graphs.graph(name)?.compiled.graph.retention;
      if (!policy) continue;
      const gone = await forgetIterations(pass, graphs, name, byAge ? policy : withoutAge(policy));
      forgotten.iterations += gone.iterations;
      forgotten.problems += gone.problems;
    }
    forgotten.events = await forgetEvents(pass, keepEvents);
    if (!byAge) return forgotten;
    forgotten.blobs = await forgetBlobs(pass, collectBlob);
    forgotten.keys = await forgetAnswers(pass);
    const before = wallMs() - forgetDays * DAY_MS;
    forgotten.commands = await forgetCommands(pass, before);
    forgotten.boots = await forgetBoots(pass, before);
    forgotten.nodes = await forgetNodes(pass, before, nodesKept);
    return forgotten;
  }

  async #repeat(intervalMs: number): Promise<void> {
    for (;;) {
      await pause(intervalMs, undefined, { signal: this.#hurry.signal }).catch(() => {});
      if (this.#stopping.signal.aborted) return;
      this.#hurry = new AbortController();
      try {
        const forgotten = await this.run();
        if (Object.values(forgotten).some((count) => count > 0))
          this.#deps.logger.info(forgotten, 'retention removed expired data');
      } catch (thrown) {
        this.#deps.logger.error({ err: thrown }, 'retention could not remove expired data');
      }
    }
  }
}

function withoutAge({ maxAgeMs: _, ...rest }: Policy): Policy {
  return rest;
}
