/**
 * Whether the cluster can be asked.
 *
 * H1. Every answer and every failure of the engine counts, for every caller; while nobody calls it, the cluster is probed.
 * H2. Nothing fails because the cluster cannot be asked: what was asked is asked again until it answers.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentControls } from 'tutti/sdk';
import { type Engine, EngineUnavailable } from './engine.js';

/** A cluster that does not answer is back within seconds where a daemon restarts, and within hours where a network is down. */
const AGAIN_FIRST_MS = 250;
const AGAIN_MAX_MS = 5_000;
/** Whether an idle cluster can still be used: what it takes to find out is one request. */
const PROBE_EVERY_MS = 30_000;

export class Health {
  readonly #controls: AgentControls;
  readonly #stopped = new AbortController();
  #engine: Engine | undefined;
  #trouble: string | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(controls: AgentControls) {
    this.#controls = controls;
  }

  /** Probes the cluster, now and then again. Settles once it is known whether it can be asked. */
  async watch(engine: Engine): Promise<void> {
    this.#engine = engine;
    await this.#probe();
    void this.#probeOn();
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** H2. The answer of the cluster, whenever it comes. Rejects with what the signal says, and with any failure that is the request's own. */
  async untilAnswered<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (let waitMs = AGAIN_FIRST_MS; ; waitMs = Math.min(waitMs * 2, AGAIN_MAX_MS)) {
      try {
        const answer = await ask();
        this.#answered();
        return answer;
      } catch (thrown) {
        if (!(thrown instanceof EngineUnavailable)) throw thrown;
        signal?.throwIfAborted();
        this.#failed(thrown);
      }
      await delay(waitMs, undefined, { ...(signal && { signal }) }).catch(() => signal?.throwIfAborted());
    }
  }

  async #probeOn(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await delay(this.#trouble === undefined ? PROBE_EVERY_MS : AGAIN_MAX_MS, undefined, {
        signal,
        ref: false,
      }).catch(() => {});
      const isQuiet = performance.now() - this.#askedAt >= PROBE_EVERY_MS;
      if (!signal.aborted && (isQuiet || this.#trouble !== undefined)) await this.#probe();
    }
  }

  async #probe(): Promise<void> {
    try {
      const has = await this.#engine!.probe(this.#stopped.signal);
      this.#answered();
      if (has.cpus !== undefined) this.#controls.has({ ...has, cpus: has.cpus });
    } catch (thrown) {
      if (!(thrown instanceof EngineUnavailable)) throw thrown;
      this.#failed(thrown);
    }
  }

  /** H1. */
  #answered(): void {
    this.#askedAt = performance.now();
    if (this.#trouble === undefined) return;
    this.#trouble = undefined;
    this.#controls.trouble();
  }

  #failed({ code, message }: EngineUnavailable): void {
    if (this.#stopped.signal.aborted || this.#trouble === message) return;
    this.#trouble = message;
    this.#controls.trouble({ code: `cluster_${code}`, message });
  }
}
