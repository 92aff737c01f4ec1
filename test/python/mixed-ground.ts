/** An orchestrator and the six SustainML nodes as processes, two of them in Python. What is killed is killed with SIGKILL. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { python, root } from './python.js';

const TYPESCRIPT = ['ml_model_metadata', 'app_requirements', 'ml_model', 'hw_resources'];
const PYTHON = ['hw_constraints', 'carbon_footprint'];
const LOOK_MS = 100;
const RESTARTS = 20;

interface Ready {
  readonly http: string;
  readonly control: string;
  readonly outputs: string;
  readonly events: string;
}

interface Solved {
  readonly state: string;
  readonly modules: Readonly<Record<string, { readonly output: unknown }>>;
}

export class MixedGround {
  readonly #data: string;
  readonly #children = new Set<ChildProcess>();
  readonly #nodes = new Map<string, ChildProcess>();
  #orchestrator: ChildProcess | undefined;
  #ready!: Ready;

  static async start(data: string): Promise<MixedGround> {
    const ground = new MixedGround(data);
    await ground.#up(['0', '0', '0', '0']);
    for (const module of [...TYPESCRIPT, ...PYTHON]) ground.startNode(module);
    return ground;
  }

  private constructor(data: string) {
    this.#data = data;
  }

  startNode(module: string): void {
    const command = PYTHON.includes(module)
      ? [python, join(root, `nodes/sustainml/python/${module}.py`)]
      : [process.execPath, join(root, `dist/nodes/sustainml/${module}/node.js`)];
    const env = { TUTTI_CONTROL: this.#ready.control, TUTTI_INSTANCE: `${module}-1` };
    this.#nodes.set(module, this.#spawn(command, env));
  }

  kill(module: string): void {
    this.#nodes.get(module)?.kill('SIGKILL');
  }

  /** Kills the orchestrator and starts it again, on the same ports and data. */
  async restart(): Promise<void> {
    const gone = once(this.#orchestrator!, 'exit');
    this.#orchestrator?.kill('SIGKILL');
    await gone;
    const { http, control, outputs, events } = this.#ready;
    const ports = [http, control, outputs, events].map((address) => address.split(':').at(-1)!);
    // A port that was free a moment ago may be taken for a moment by a connection of somebody else.
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#up(ports);
      } catch (error) {
        if (tries === RESTARTS) throw error;
      }
    }
  }

  async submit(input: unknown): Promise<string> {
    const response = await fetch(`${this.#ready.http}/v1/problems`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ graph: 'sustainml', input }),
    });
    const { problem_id } = (await response.json()) as { problem_id: string };
    return problem_id;
  }

  async solved(problemId: string): Promise<Solved> {
    for (;;) {
      const response = await fetch(`${this.#ready.http}/v1/problems/${problemId}/iterations/1`);
      const iteration = (await response.json()) as Solved;
      if (!['waiting', 'running', 'suspended'].includes(iteration.state)) return iteration;
      await delay(LOOK_MS);
    }
  }

  /** Every node, once each has said what it costs: with its first heartbeat. */
  async loads(): Promise<Readonly<Record<string, unknown>>> {
    for (;;) {
      const response = await fetch(`${this.#ready.http}/v1/nodes`);
      const { items } = (await response.json()) as { items: { module: string; load: unknown }[] };
      if (items.every(({ load }) => load !== null))
        return Object.fromEntries(items.map(({ module, load }) => [module, load]));
      await delay(LOOK_MS);
    }
  }

  /** Ends all that it started. */
  async end(): Promise<void> {
    const gone = [...this.#children].map((child) =>
      child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined,
    );
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(gone);
  }

  async #up(ports: readonly string[]): Promise<void> {
    const flags = ['--http-port', '--control-port', '--outputs-port', '--events-port'];
    const child = this.#spawn([
      ...[process.execPath, join(root, 'dist/src/cli/main.js'), 'up', '--data', this.#data],
      ...['--graph', join(root, 'nodes/sustainml/graph.yaml')],
      ...flags.flatMap((flag, at) => [flag, ports[at]!]),
    ]);
    this.#orchestrator = child;
    for await (const line of createInterface({ input: child.stdout! })) {
      if (!line.startsWith('ready ')) continue;
      this.#ready = JSON.parse(line.slice('ready '.length)) as Ready;
      return;
    }
    throw new Error('the orchestrator ended before it was ready');
  }

  #spawn([program, ...args]: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const child = spawn(program!, args, {
      env: { ...process.env, ...env, PYTHONPATH: join(root, 'python/src'), PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#children.add(child);
    return child;
  }
}
