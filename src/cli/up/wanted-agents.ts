/** Which agents an orchestrator keeps running: those of its managed clusters; this machine's only once there is something for it. */
import { TuttiError } from '../../base/errors.js';
import { LOCAL_CLUSTER } from '../../model/cluster.js';
import type { Coordinator, Found, Page, PageRequest, Refusal, View } from '../../orchestrator/port.js';

/** More clusters and graphs than that are read page by page. */
const PAGE = 1_000;

export class WantedAgents {
  readonly #coordinator: Pick<Coordinator, 'queries' | 'events'>;
  /** There is a graph with a command in it, and there will be: versions are not removed. */
  #hasCommands: boolean;
  #areGraphsRead = false;

  /** `hadLocal`: the agent of this machine was started before; it may have work. */
  constructor(coordinator: Pick<Coordinator, 'queries' | 'events'>, hadLocal: boolean) {
    this.#coordinator = coordinator;
    this.#hasCommands = hadLocal;
  }

  /** Calls back when the answer of `names` may be another one. Returns the unsubscribe. */
  onChange(listener: () => void): () => void {
    return this.#coordinator.events.onCommitted((events) => {
      const concerned = events.filter(({ json }) =>
        /"type":"(cluster\.(added|changed|removed)|graph\.stored)"/.test(json),
      );
      if (concerned.length === 0) return;
      this.#areGraphsRead = false;
      listener();
    });
  }

  async names(): Promise<readonly string[]> {
    const { queries } = this.#coordinator;
    const managed: string[] = [];
    for await (const { name, agent } of pages((page) => queries.clusters(page)))
      if (agent === 'managed') managed.push(String(name));
    if (!this.#hasCommands && !this.#areGraphsRead) {
      this.#areGraphsRead = true;
      this.#hasCommands = await this.#findCommands();
    }
    return this.#hasCommands ? managed : managed.filter((name) => name !== LOCAL_CLUSTER);
  }

  async #findCommands(): Promise<boolean> {
    const { queries } = this.#coordinator;
    for await (const { name } of pages((page) => queries.graphs(page))) {
      const found = await queries.graph(String(name));
      if ('ok' in found) continue;
      const modules = found.value.modules as Readonly<Record<string, { readonly run?: unknown }>>;
      if (Object.values(modules).some(({ run }) => run !== undefined && run !== null)) return true;
    }
    return false;
  }
}

/** Everything that a list has. */
async function* pages(
  list: (page: PageRequest) => Promise<Found<Page<View>> | Refusal>,
): AsyncGenerator<View, void, void> {
  for (let cursor: string | null = ''; cursor !== null; ) {
    const found: Found<Page<View>> | Refusal = await list({ limit: PAGE, ...(cursor !== '' && { cursor }) });
    if ('ok' in found) throw new TuttiError(found.code, found.message);
    yield* found.value.items;
    cursor = found.value.next_cursor;
  }
}
