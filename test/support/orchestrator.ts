/** An orchestrator as a process of its own, and how its clients speak to it. */
import { join } from 'node:path';
import { endAgents } from './agents.js';
import { EventTape } from './event-tape.js';
import type { Scene, Spawned } from './processes.js';

const ROOT = join(import.meta.dirname, '../..');
export const TUTTI: string = join(ROOT, 'dist/src/cli/main.js');
export const graphFile = (name: string): string => join(ROOT, `test/e2e/graphs/${name}.yaml`);
export const SUSTAINML_GRAPH: string = join(ROOT, 'nodes/sustainml/graph.yaml');

/** What the `ready` line says. */
export interface Ready {
  readonly http: string;
  readonly sustainml?: string;
  readonly control: string;
  readonly outputs: string;
  readonly events: string;
  readonly public_key?: string;
  readonly data: string;
  readonly epoch: number;
  readonly store_id: string;
}

// What the API answers is checked by the tests that look at it.
// biome-ignore lint/suspicious/noExplicitAny: see above.
export type Json = any;

export interface Reply {
  readonly status: number;
  readonly body: Json;
  readonly headers: Headers;
}

export interface Submitted {
  readonly problem_id: string;
  readonly iteration_id: number;
  readonly task_id: string;
}

export interface UpOptions {
  /** Names of the graphs in `test/e2e/graphs`, or paths. @default none */
  readonly graphs?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** @default one of its own */
  readonly data?: string;
  /** Files and sockets that the process may have open. @default as many as this one */
  readonly openFiles?: number;
}

const PORTS = ['http', 'control', 'outputs', 'events'] as const;
/** A port that was free a moment ago may be taken for a moment by a connection of somebody else. */
const RESTARTS = 20;

export class OrchestratorProcess {
  readonly #scene: Scene;
  readonly #options: UpOptions & { readonly data: string };
  #process: Spawned;
  #ready: Ready;

  private constructor(
    scene: Scene,
    options: UpOptions & { readonly data: string },
    process: Spawned,
    ready: Ready,
  ) {
    this.#scene = scene;
    this.#options = options;
    this.#process = process;
    this.#ready = ready;
  }

  /** Starts one on free ports and waits until it takes work. */
  static async up(scene: Scene, options: UpOptions = {}): Promise<OrchestratorProcess> {
    const complete = { ...options, data: options.data ?? (await scene.directory()) };
    // After the process is gone: it would start them again.
    scene.atEnd(() => endAgents(complete.data));
    const process = spawnUp(scene, complete, undefined);
    const ready = JSON.parse(await process.line('ready ')) as Ready;
    return new OrchestratorProcess(scene, complete, process, ready);
  }

  get process(): Spawned {
    return this.#process;
  }

  get ready(): Ready {
    return this.#ready;
  }

  /** Starts it again at the same addresses, on the same data; the one before has to be gone. */
  async restart(env: Readonly<Record<string, string>> = this.#options.env ?? {}): Promise<Ready> {
    for (let tries = 1; ; tries += 1) {
      this.#process = spawnUp(this.#scene, { ...this.#options, env }, this.#ready);
      try {
        this.#ready = JSON.parse(await this.#process.line('ready ')) as Ready;
        return this.#ready;
      } catch (error) {
        if (tries === RESTARTS || !this.#process.stderr.includes('port_in_use')) throw error;
      }
    }
  }

  tape(): EventTape {
    const tape = new EventTape(() => this.#ready.http);
    this.#scene.atEnd(() => tape.close());
    return tape;
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return this.#call(path, { headers });
  }

  post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return this.#send('POST', path, body, headers);
  }

  put(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return this.#send('PUT', path, body, headers);
  }

  patch(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return this.#send('PATCH', path, body, headers);
  }

  #send(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
  ): Promise<Reply> {
    return this.#call(path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  async submit(
    graph: string,
    input: unknown,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<Submitted> {
    const { status, body } = await this.post('/v1/problems', { graph, input, ...more });
    if (status !== 201)
      throw new Error(`the submission was answered with ${status}: ${JSON.stringify(body)}`);
    return body as Submitted;
  }

  async iterate(problemId: string, body: Readonly<Record<string, unknown>> = {}): Promise<Submitted> {
    const reply = await this.post(`/v1/problems/${problemId}/iterations`, body);
    if (reply.status !== 201) throw new Error(`${reply.status}: ${JSON.stringify(reply.body)}`);
    return reply.body as Submitted;
  }

  /** The iteration of a task as `GET` shows it. */
  async task(taskId: string): Promise<Json> {
    return (await this.get(pathOf(taskId))).body;
  }

  /** What a module has put out last, decoded. */
  async output(taskId: string, module: string): Promise<Json> {
    return (await this.get(`${pathOf(taskId)}/outputs/${module}`)).body;
  }

  async executions(taskId: string): Promise<readonly Json[]> {
    return (await this.get(`${pathOf(taskId)}/executions`)).body.items;
  }

  async nodes(): Promise<readonly Json[]> {
    return (await this.get('/v1/nodes?limit=1000')).body.items;
  }

  async #call(path: string, init: RequestInit): Promise<Reply> {
    const response = await fetch(this.#ready.http + path, init);
    const text = await response.text();
    return {
      status: response.status,
      body: text === '' ? undefined : JSON.parse(text),
      headers: response.headers,
    };
  }
}

/** Where a task is found. */
export function pathOf(taskId: string): string {
  return `/v1/problems/${taskId.replace('/', '/iterations/')}`;
}

function spawnUp(
  scene: Scene,
  options: UpOptions & { readonly data: string },
  at: Ready | undefined,
): Spawned {
  const ports = PORTS.flatMap((name) => [`--${name}-port`, at === undefined ? '0' : new URL(at[name]).port]);
  const graphs = (options.graphs ?? []).flatMap((name) => [
    '--graph',
    name.includes('/') ? name : graphFile(name),
  ]);
  // After the options of the test: it begins on any port and comes again on the same one.
  const front = at?.sustainml === undefined ? [] : ['--sustainml', new URL(at.sustainml).port];
  const args = [TUTTI, 'up', '--data', options.data, ...ports, ...graphs, ...(options.args ?? []), ...front];
  if (options.openFiles === undefined) return scene.spawn(args, options.env);
  const limit = ['-c', `ulimit -n ${options.openFiles} && exec "$0" "$@"`, process.execPath];
  return scene.spawn([...limit, ...args], options.env, undefined, '/bin/sh');
}
