/**
 * The processes of a run: each is started here, and ended here by its id.
 *
 * 1. A process that ends unasked fails whatever waits for it.
 * 2. `endAll` ends what a failed question has left, in reverse order.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const END_WITHIN_MS = 5000;
const LINE_WITHIN_MS = 60_000;
/** Linux reports processor time in these, whatever its own tick is. */
const TICKS_PER_SECOND = 100;

/** @type {Process[]} */
const running = [];

export class Process {
  /** @type {string[]} */
  #last = [];
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  #asked = new Map();
  #asks = 0;
  #ending = false;

  /**
   * @param {string} name
   * @param {string} program
   * @param {readonly string[]} args
   * @param {{ env?: Record<string, string>, ipc?: boolean }} [options] no `TUTTI_…` variable is inherited
   */
  constructor(name, program, args, { env = {}, ipc = false } = {}) {
    this.name = name;
    const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith('TUTTI_'));
    this.child = spawn(program, args, {
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? /** @type {const} */ (['ipc']) : [])],
    });
    this.lines = createInterface({
      input: /** @type {import('node:stream').Readable} */ (this.child.stdout),
    });
    const errors = createInterface({
      input: /** @type {import('node:stream').Readable} */ (this.child.stderr),
    });
    for (const lines of [this.lines, errors]) {
      lines.on('line', (line) => {
        this.#last.push(line);
        if (this.#last.length > 20) this.#last.shift();
      });
    }
    this.exited = new Promise((resolve) => {
      this.child.once('error', resolve);
      this.child.once('exit', resolve);
    });
    void this.exited.then(() => {
      for (const { reject } of this.#asked.values()) reject(this.#ended());
      this.#asked.clear();
      if (!this.#ending) console.error(this.#ended().message);
    });
    this.child.on('message', (/** @type {any} */ { id, error, value }) => {
      const asked = this.#asked.get(id);
      this.#asked.delete(id);
      if (error) asked?.reject(new Error(`${this.name}: ${error}`));
      else asked?.resolve(value);
    });
    running.push(this);
  }

  get pid() {
    return /** @type {number} */ (this.child.pid);
  }

  #ended() {
    return new Error(`${this.name} has ended by itself:\n${this.#last.join('\n')}`);
  }

  /**
   * The next line on stdout that begins with `prefix`, without it.
   * @param {string} prefix
   * @param {number} [withinMs]
   * @returns {Promise<string>}
   */
  line(prefix, withinMs = LINE_WITHIN_MS) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`${this.name} did not say "${prefix}…":\n${this.#last.join('\n')}`)),
        withinMs,
      );
      this.lines.on('line', (line) => {
        if (!line.startsWith(prefix)) return;
        clearTimeout(late);
        resolve(line.slice(prefix.length));
      });
      void this.exited.then(() => {
        clearTimeout(late);
        reject(this.#ended());
      });
    });
  }

  /**
   * Asks a process that was started with `ipc`: what it does is in its own file.
   * @param {string} what
   * @param {object} [options]
   * @returns {Promise<any>}
   */
  ask(what, options = {}) {
    this.#asks += 1;
    const id = this.#asks;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.child.send({ id, what, options }, (error) => {
        if (error) reject(error);
      });
    });
  }

  /** Processor time so far, in ms. */
  cpuMs() {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
  }

  /** Resident memory in bytes: all of it, and the part that is not a file's pages. */
  memory() {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const kib = (/** @type {string} */ field) =>
      Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
    return { resident: kib('VmRSS') * 1024, anonymous: kib('RssAnon') * 1024 };
  }

  async end() {
    this.#ending = true;
    const at = running.indexOf(this);
    if (at >= 0) running.splice(at, 1);
    if (this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined)
      return;
    this.child.kill('SIGTERM');
    const cut = setTimeout(() => this.child.kill('SIGKILL'), END_WITHIN_MS);
    await this.exited;
    clearTimeout(cut);
  }
}

/**
 * @param {string} name
 * @param {readonly string[]} args of Node.js
 * @param {{ env?: Record<string, string>, ipc?: boolean }} [options]
 */
export function startNode(name, args, options) {
  return new Process(name, process.execPath, args, options);
}

export async function endAll() {
  for (const one of running.slice().reverse()) await one.end();
}

/**
 * The other side of `ask`, for a process of the bench: each name is a question that it answers.
 * @param {Record<string, (options: any) => unknown>} answers
 */
export function answer(answers) {
  process.on('message', async (/** @type {any} */ { id, what, options }) => {
    try {
      process.send?.({ id, value: await answers[what]?.(options) });
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  endWithParent();
}

/** Nothing that was started with `ipc` outlives the bench, however that ends. */
export function endWithParent() {
  process.once('disconnect', () => process.exit(0));
}

/**
 * A TCP port of the loopback that is free now, for programs that cannot pick one themselves.
 * @returns {Promise<number>}
 */
export async function freePort() {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}
