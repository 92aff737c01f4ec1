/** Clients that submit, iterate and command, each request under its key until it is answered, and that write down what they were told. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../support/random.js';
import { type ClientLine, Journal } from './journal.js';

const GRAPHS = ['line', 'web', 'scripts'] as const;
const MODULES = {
  line: ['alpha', 'beta', 'gamma'],
  web: ['alpha', 'delta', 'epsilon'],
  scripts: ['cut', 'weld', 'paint'],
} as const;
const ANSWER_MS = 5000;

type Graph = keyof typeof MODULES;

type Ask = Omit<Extract<ClientLine, { op: 'ask' }>, 't'>;

interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API answers; the checker looks at it.
  readonly body: any;
}

/** What all clients know together. */
export class Load {
  readonly unfinished = new Map<string, Graph>();
  /** Problems to iterate on, with the number of iterations that somebody was told of. */
  readonly problems: { readonly id: string; readonly graph: Graph; newest: number }[] = [];
  readonly nodes = new Set<string>();
  accepted = 0;
  stopping = false;
  /** A task with an end that was seen before its submission was answered. */
  readonly ended = new Set<string>();

  end(task: string): void {
    if (!this.unfinished.delete(task)) this.ended.add(task);
  }

  begin(task: string, graph: Graph): void {
    this.accepted += 1;
    if (!this.ended.delete(task)) this.unfinished.set(task, graph);
  }
}

export interface ClientOptions {
  readonly http: string;
  readonly folder: string;
  readonly name: string;
  readonly random: Random;
  /** Tasks under way at which clients hold back. */
  readonly limit: number;
  /** @default all */
  readonly graphs?: readonly Graph[];
}

export class Client {
  readonly #options: ClientOptions;
  readonly #load: Load;
  readonly #journal: Journal;
  #number = 0;

  constructor(options: ClientOptions, load: Load) {
    this.#options = options;
    this.#load = load;
    this.#journal = new Journal(options.folder, `client-${options.name}`);
  }

  /** Goes on until the load is to stop; what it has asked for by then is answered. */
  async run(): Promise<void> {
    const { random, limit } = this.#options;
    while (!this.#load.stopping) {
      await delay(random.between(5, 120));
      if (this.#load.unfinished.size >= limit) continue;
      switch (random.weighted({ submit: 62, iterate: 16, task: 20, node: 2 })) {
        case 'submit':
          await this.#submit();
          break;
        case 'iterate':
          await this.#iterate();
          break;
        case 'task':
          await this.#commandTask();
          break;
        case 'node':
          await this.#commandNode();
          break;
      }
    }
  }

  async #submit(): Promise<void> {
    const { random, graphs = GRAPHS } = this.#options;
    const graph = random.pick(graphs);
    const key = this.#key();
    const input = { asked_by: key, number: random.whole(0, 1000) };
    const ask = { op: 'ask', key, kind: 'submit', graph, input } as const;
    const body = { graph, input, title: key, priority: random.whole(0, 100) };
    const reply = await this.#ask(ask, '/v1/problems', body);
    if (reply?.status !== 201) return;
    const { problem_id } = this.#accepted(key, reply, graph);
    this.#load.problems.push({ id: problem_id, graph, newest: 1 });
    if (this.#load.problems.length > 200) this.#load.problems.shift();
  }

  async #iterate(): Promise<void> {
    const { random } = this.#options;
    if (this.#load.problems.length === 0) return;
    const problem = random.pick(this.#load.problems);
    const key = this.#key();
    const parent = random.chance(0.4) ? random.whole(1, problem.newest) : undefined;
    const input = random.chance(0.6) ? { asked_by: key } : undefined;
    const ask: Ask = {
      ...({ op: 'ask', key, kind: 'iterate', graph: problem.graph, problem_id: problem.id } as const),
      ...(parent !== undefined && { parent }),
      ...(input && { input }),
    };
    const body = { ...(parent !== undefined && { parent_iteration_id: parent }), ...(input && { input }) };
    const reply = await this.#ask(ask, `/v1/problems/${problem.id}/iterations`, body);
    if (reply?.status !== 201) return;
    const { iteration_id } = this.#accepted(key, reply, problem.graph);
    problem.newest = Math.max(problem.newest, iteration_id);
  }

  #accepted(key: string, { body }: Reply, graph: Graph): { problem_id: string; iteration_id: number } {
    const { problem_id, iteration_id } = body as { problem_id: string; iteration_id: number };
    this.#journal.write({ op: 'accepted', key, problem_id, iteration_id });
    this.#load.begin(`${problem_id}/${iteration_id}`, graph);
    return { problem_id, iteration_id };
  }

  async #commandTask(): Promise<void> {
    const { random } = this.#options;
    const tasks = [...this.#load.unfinished];
    if (tasks.length === 0) return;
    const [task, graph] = random.pick(tasks);
    const command = random.weighted({ stop: 3, reset: 4, preempt: 4, terminate: 1 });
    const named = command === 'reset' || (command === 'preempt' && random.chance(0.5));
    const body = { command, reason: 'chaos', ...(named && { module: random.pick(MODULES[graph]) }) };
    await this.#command(`/v1/problems/${task.replace('/', '/iterations/')}/commands`, task, command, body);
  }

  /** A node that was stopped is started again a little later. */
  async #commandNode(): Promise<void> {
    const { random } = this.#options;
    const nodes = [...this.#load.nodes];
    if (nodes.length === 0) return;
    const node = random.pick(nodes);
    const command = random.weighted({ stop: 3, reset: 2, terminate: 1 });
    await this.#command(`/v1/nodes/${node}/commands`, node, command, { command, reason: 'chaos' });
    await delay(random.between(200, 2000));
    await this.start(node);
  }

  async start(node: string): Promise<void> {
    await this.#command(`/v1/nodes/${node}/commands`, node, 'start', { command: 'start' });
  }

  async #command(path: string, target: string, command: string, body: object): Promise<void> {
    const key = this.#key();
    const reply = await this.#request(path, body, key);
    if (reply?.status !== 202) return;
    const { command_id } = reply.body as { command_id: string };
    this.#journal.write({ op: 'commanded', key, command_id, target, command });
  }

  async #ask(line: Ask, path: string, body: object): Promise<Reply | undefined> {
    this.#journal.write(line);
    const reply = await this.#request(path, body, line.key);
    if (reply && reply.status >= 300) {
      const code = reply.body?.error?.code as string;
      this.#journal.write({ op: 'refused', key: line.key, status: reply.status, code });
    }
    return reply;
  }

  /** Asks until there is an answer that says yes or no. A client gives up only when it is cut off for good. */
  async #request(path: string, body: object, key: string): Promise<Reply | undefined> {
    const { http, random } = this.#options;
    for (let tries = 1; tries < 600; tries += 1) {
      try {
        const response = await fetch(http + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': key },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(ANSWER_MS),
        });
        const reply = { status: response.status, body: await response.json() };
        if (reply.status !== 503 && reply.status !== 429) return reply;
      } catch {
        // Nobody is there, or the answer was lost.
      }
      await delay(random.between(20, 400));
    }
    return undefined;
  }

  #key(): string {
    this.#number += 1;
    return `${this.#options.name}-${this.#number}-${randomUUID().slice(0, 8)}`;
  }
}
