/** The nodes as the front ends see them: one word for each module of which a node has been seen. */
import { everyItem, listOf } from '../../src/base/every-item.js';
import type { View, Workspace } from '../../src/orchestrator/port.js';
import { foundIn } from './tasks.js';
import { type FormNode, NODES, nodeOf } from './words.js';

/** Asked for twice a second by each form that is open: those within this time share one answer. */
const SHARED_MS = 100;

export class NodeList {
  readonly #coordinator: Pick<Workspace, 'queries'>;
  #shared: { readonly atMs: number; readonly nodes: Promise<readonly View[]> } | undefined;

  constructor(coordinator: Pick<Workspace, 'queries'>) {
    this.#coordinator = coordinator;
  }

  async of(module: string): Promise<View[]> {
    return (await this.#all()).filter((node) => node.module === module);
  }

  /** By the name of each module that has been seen. */
  async status(): Promise<Record<string, string>> {
    const nodes = await this.#all();
    const seen = NODES.map((node): [FormNode, View[]] => [
      node,
      nodes.filter(({ module }) => module === node.module),
    ]).filter(([, of]) => of.length > 0);
    return Object.fromEntries(seen.map(([{ name }, of]) => [name, wordFor(of)]));
  }

  async statusOf(id: unknown): Promise<string> {
    const node = nodeOf(id);
    const nodes = node ? await this.of(node.module) : [];
    return nodes.length === 0 ? 'INACTIVE' : wordFor(nodes);
  }

  #all(): Promise<readonly View[]> {
    const atMs = performance.now();
    if (this.#shared === undefined || atMs - this.#shared.atMs > SHARED_MS) {
      const nodes = this.#read();
      nodes.catch(() => {
        this.#shared = undefined;
      });
      this.#shared = { atMs, nodes };
    }
    return this.#shared.nodes;
  }

  #read(): Promise<readonly View[]> {
    return listOf(everyItem(async (page) => foundIn(await this.#coordinator.queries.nodes(page))));
  }
}

/** Whether it can be asked something. */
export function isPresent({ liveness, connected }: View): boolean {
  return liveness === 'alive' && connected !== false;
}

/** Whether it takes work right now. */
export function isFree({ status, running, capacity }: View): boolean {
  const isUp = status === 'IDLE' || status === 'RUNNING';
  return isUp && (running as readonly unknown[]).length < Number(capacity);
}

/** The best of them: one that is free makes the module free. */
function wordFor(nodes: readonly View[]): string {
  const present = nodes.filter(isPresent);
  if (present.some(isFree)) return 'IDLE';
  for (const word of ['RUNNING', 'INITIALIZING', 'TERMINATING', 'ERROR'])
    if (present.some(({ status }) => status === word || (word === 'RUNNING' && status === 'IDLE')))
      return word;
  return 'INACTIVE';
}
