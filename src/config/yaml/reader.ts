/**
 * Untrusted YAML is read in a thread of its own: its cost delays nothing else, and a failure ends that thread only.
 *
 * R1. One text at a time; the others wait in their order. Their number is bounded by that of the requests which bring them.
 * R2. A text that takes more time than `whatIsLeft` gives it, or more memory than the thread has, ends the thread. The next text gets a
 *     new one.
 */
import { Worker } from 'node:worker_threads';
import { READ_CPU_MS, READ_WALL_MS, whatIsLeft } from './time.js';
import type { ReadYaml } from './yaml.js';

/** Megabytes; the largest texts take some 60. */
const HEAP_MB = 192;

interface Waiting {
  readonly text: string;
  readonly settle: (read: ReadYaml) => void;
}

export class YamlReader {
  readonly #waiting: Waiting[] = [];
  #current: Waiting | undefined;
  #worker: Worker | undefined;
  #look: NodeJS.Timeout | undefined;

  read(text: string): Promise<ReadYaml> {
    return new Promise((settle) => {
      this.#waiting.push({ text, settle });
      this.#next();
    });
  }

  /** Ends the thread; a text that is still read then gets no answer, like any request that an end cuts off. Idempotent. */
  async stop(): Promise<void> {
    this.#waiting.length = 0;
    await this.#end();
  }

  /** R1. */
  #next(): void {
    if (this.#current !== undefined) return;
    this.#current = this.#waiting.shift();
    if (this.#current === undefined) return;
    this.#worker ??= this.#begin();
    this.#watch(performance.now(), process.cpuUsage());
    this.#worker.postMessage(this.#current.text);
  }

  /** R2 */
  #watch(sinceMs: number, sinceCpu: NodeJS.CpuUsage): void {
    const { user, system } = process.cpuUsage(sinceCpu);
    const left = whatIsLeft({ cpuMs: (user + system) / 1000, wallMs: performance.now() - sinceMs });
    if (left > 0) {
      this.#look = setTimeout(() => this.#watch(sinceMs, sinceCpu), left);
      return;
    }
    const bounds = `${READ_CPU_MS / 1000} s of processor time, or ${READ_WALL_MS / 1000} s in all`;
    this.#settle(tooMuch(`it takes longer than ${bounds} to read`));
  }

  #begin(): Worker {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 32 },
    });
    worker.unref();
    worker.on('message', (read: ReadYaml) => {
      if (worker === this.#worker) this.#settle(read, worker);
    });
    worker.on('error', (error) => {
      if (worker === this.#worker) this.#settle(tooMuch(`it cannot be read: ${error.message}`));
    });
    return worker;
  }

  /** Without `worker`, the thread has done its last. */
  #settle(read: ReadYaml, worker?: Worker): void {
    clearTimeout(this.#look);
    if (worker === undefined) void this.#end();
    const done = this.#current;
    this.#current = undefined;
    done?.settle(read);
    this.#next();
  }

  async #end(): Promise<void> {
    clearTimeout(this.#look);
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

function tooMuch(message: string): ReadYaml {
  return { ok: false, faults: [{ path: '', code: 'too_large', message }] };
}
