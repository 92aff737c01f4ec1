/** What the clients are tried with: an orchestrator with a token, and the nodes of python/examples/fit. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { python, root } from '../python/python.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import type { Scene, Spawned } from '../support/processes.js';

export const EXAMPLE: string = join(root, 'python/examples/fit');
export const TOKEN = 'a-token-of-the-client-tests';
/** Modules of Python without which nothing here runs. */
export const NEEDED = ['zmq', 'google.protobuf', 'numpy', 'httpx', 'websockets', 'markdown_it', 'pandas'];

/** The blocks of docs/clients.md in this language, which its readers run one after the other. */
export function samplesOf(language: string): string[] {
  const page = readFileSync(join(root, 'docs/clients.md'), 'utf8');
  const blocks = page.matchAll(/^```(\w+) run\n([\s\S]*?)^```$/gm);
  return [...blocks].flatMap(([, of, content = '']) => (of === language ? [content] : []));
}

export class Stage {
  readonly orchestrator: OrchestratorProcess;
  readonly #scene: Scene;

  private constructor(scene: Scene, orchestrator: OrchestratorProcess) {
    this.#scene = scene;
    this.orchestrator = orchestrator;
  }

  static async up(scene: Scene): Promise<Stage> {
    const orchestrator = await OrchestratorProcess.up(scene, {
      graphs: [join(EXAMPLE, 'graph.yaml')],
      args: ['--token', TOKEN],
    });
    const stage = new Stage(scene, orchestrator);
    stage.python([join(EXAMPLE, 'nodes.py')], { TUTTI_CONTROL: orchestrator.ready.control });
    return stage;
  }

  /** A Python program that speaks to the orchestrator, or through a proxy to it. */
  python(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = root): Spawned {
    return this.#scene.spawn(args, { ...this.env, ...env }, cwd, python);
  }

  get env(): Readonly<Record<string, string>> {
    return {
      PYTHONPATH: join(root, 'python/src'),
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONUNBUFFERED: '1',
      TUTTI_URL: this.orchestrator.ready.http,
      TUTTI_TOKEN: TOKEN,
    };
  }

  async get(path: string): Promise<{ readonly items: readonly { readonly seq: number }[] }> {
    const { body } = await this.orchestrator.get(path, { authorization: `Bearer ${TOKEN}` });
    return body;
  }
}
