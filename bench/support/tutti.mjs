/** A coordinator and its nodes as processes, on a fresh data directory. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PYTHON, root } from './ground.mjs';
import { Process, startNode } from './processes.mjs';

const PLAYER = fileURLToPath(new URL('../workers/node.mjs', import.meta.url));
const PYTHON_PLAYER = fileURLToPath(new URL('../workers/node.py', import.meta.url));
const PROBE = pathToFileURL(fileURLToPath(new URL('../workers/probe.mjs', import.meta.url))).href;
const CLIENT = fileURLToPath(new URL('../workers/client.mjs', import.meta.url));
const VIEWERS = fileURLToPath(new URL('../workers/viewers.mjs', import.meta.url));
const NEIGHBOURS = fileURLToPath(new URL('../workers/neighbours.mjs', import.meta.url));

/**
 * What every question is given.
 * @typedef {object} Context
 * @property {string} dist the built product
 * @property {string} data the folder that stores are made in
 * @property {boolean} quick
 * @property {number} rounds
 * @property {boolean} hasRedis
 * @property {boolean} hasPython with what the Python SDK needs
 * @property {string | undefined} profiles where processor profiles of the coordinator go, if anywhere
 */

/**
 * @typedef {object} Player
 * @property {string} module
 * @property {'make' | 'pass' | 'move' | 'stamp'} does gives new bytes; its first input; one byte, and tells how long its input was
 *   under way; the time
 * @property {string} [instance] the module's name if absent
 * @property {number} [capacity] 4096 if absent
 * @property {number} [bytes] of `make`; 200 if absent
 */

/** @typedef {{ dist: string, control: string, nodes: readonly Player[] }} PlayerOptions */
/** @typedef {{ http: string, control: string, outputs: string, events: string, data: string }} Ready */

let folders = 0;

/** @param {Context} context @param {string} name */
export function freshFolder(context, name) {
  folders += 1;
  return mkdtempSync(join(context.data, `${name}-${folders}-`));
}

export class Tutti {
  /** @type {import('./processes.mjs').Process[]} */
  #parts = [];

  /**
   * @param {Context} context
   * @param {import('./processes.mjs').Process} orchestrator
   * @param {Ready} ready
   * @param {number} startMs from the start of the process until it can take work
   * @param {string | undefined} folder that it owns
   */
  constructor(context, orchestrator, ready, startMs, folder) {
    this.context = context;
    this.orchestrator = orchestrator;
    this.ready = ready;
    this.startMs = startMs;
    this.folder = folder;
  }

  /**
   * @param {Context} context
   * @param {{ graphs?: readonly string[], data?: string, flags?: readonly string[] }} [options] graphs as YAML; a data directory that
   *   is there already is left there
   */
  static async start(context, { graphs = [], data, flags = [] } = {}) {
    const folder = freshFolder(context, 'tutti');
    const files = graphs.map((yaml, index) => {
      const file = join(folder, `graph-${index}.yaml`);
      writeFileSync(file, yaml);
      return file;
    });
    const before = performance.now();
    const orchestrator = startNode(
      'the orchestrator',
      [
        ...['--expose-gc', '--import', PROBE, join(context.dist, 'src/cli/main.js'), 'up'],
        ...['--data', data ?? join(folder, 'data'), '--log-level', 'warn'],
        ...['http', 'control', 'outputs', 'events'].flatMap((name) => [`--${name}-port`, '0']),
        ...files.flatMap((file) => ['--graph', file]),
        ...flags,
      ],
      { ipc: true },
    );
    const ready = JSON.parse(await orchestrator.line('ready '));
    return new Tutti(context, orchestrator, ready, performance.now() - before, folder);
  }

  /** One more process with these nodes. @param {readonly Player[]} nodes */
  async play(nodes) {
    const { dist } = this.context;
    const options = { dist, control: this.ready.control, nodes };
    const part = startNode(`the nodes ${nodes[0]?.module} …`, [PLAYER, JSON.stringify(options)], {
      ipc: true,
    });
    this.#parts.push(part);
    await part.line('ready');
    return part;
  }

  /** A Python node in processes of its own. @param {string} module @param {number} capacity */
  async playPython(module, capacity) {
    const env = { TUTTI_CONTROL: this.ready.control, PYTHONPATH: join(root, 'python/src') };
    const part = new Process(`the Python node ${module}`, PYTHON, [PYTHON_PLAYER, module, String(capacity)], {
      env,
    });
    this.#parts.push(part);
    await part.line('ready');
    return part;
  }

  /** A client that submits to a graph and counts what is done: see workers/client.mjs. */
  async client() {
    return this.#worker('the client', CLIENT);
  }

  /** Viewers of the stream: see workers/viewers.mjs. */
  async viewers() {
    return this.#worker('the viewers', VIEWERS);
  }

  /** Those who ask beside the work: see workers/neighbours.mjs. */
  async neighbours() {
    return this.#worker('the neighbours', NEIGHBOURS);
  }

  /** @param {string} name @param {string} script */
  async #worker(name, script) {
    const part = startNode(name, [script, this.ready.http], { ipc: true });
    this.#parts.push(part);
    await part.line('ready');
    return part;
  }

  async end() {
    for (const part of this.#parts.splice(0).reverse()) await part.end();
    await this.orchestrator.end();
    if (this.folder) rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * A graph of modules that give bytes.
 * @param {string} name
 * @param {Record<string, readonly string[]>} modules their inputs
 * @param {string} [type]
 */
export function graphOf(name, modules, type = 'bytes') {
  const lines = Object.entries(modules).map(
    ([module, inputs]) => `  ${module}: { inputs: [${inputs.join(', ')}], output: ${type} }`,
  );
  return `name: ${name}\nsource: { name: problem, type: ${type} }\nmodules:\n${lines.join('\n')}\n`;
}

export const CHAIN = graphOf('chain', { first: ['problem'], second: ['first'], third: ['second'] });

/** The chain's nodes, a process each. @param {Tutti} tutti @param {number} [bytes] of every result */
export function playChain(tutti, bytes = 200) {
  return Promise.all([
    tutti.play([{ module: 'first', does: 'make', bytes }]),
    tutti.play([{ module: 'second', does: 'pass' }]),
    tutti.play([{ module: 'third', does: 'pass' }]),
  ]);
}
