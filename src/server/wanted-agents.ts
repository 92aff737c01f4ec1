/** Which agents an orchestrator keeps running: those of its managed clusters; this machine's only once there is something for it. */
import { TuttiError } from '../base/errors.js';
import { everyItem } from '../base/every-item.js';
import { LOCAL_CLUSTER } from '../model/cluster.js';
import type { EventType } from '../model/facts.js';
import { typeOfEvent } from '../orchestrator/core/event-json.js';
import type { Workspace } from '../orchestrator/port.js';

/** After these, another agent may be wanted. */
const CONCERNED: readonly string[] = [
  'cluster.added',
  'cluster.changed',
  'cluster.removed',
  'graph.stored',
] satisfies EventType[];

export class WantedAgents {
  readonly #coordinator: Pick<Workspace, 'queries' | 'events'>;
  /** The agent of this machine has been needed: from then on, it may have work. */
  #isLocalWanted: boolean;

  /** `hadLocal`: the agent of this machine was started before; it may have work. */
  constructor(coordinator: Pick<Workspace, 'queries' | 'events'>, hadLocal: boolean) {
    this.#coordinator = coordinator;
    this.#isLocalWanted = hadLocal;
  }

  /** Calls back when the answer of `names` may be another one. Returns the unsubscribe. */
  onChange(listener: () => void): () => void {
    return this.#coordinator.events.onCommitted((events) => {
      const concerned = events.some(({ json }) => CONCERNED.includes(typeOfEvent(json)));
      if (concerned) listener();
    });
  }

  async names(): Promise<readonly string[]> {
    const names: string[] = [];
    const clusters = everyItem(async (page) => {
      const found = await this.#coordinator.queries.clusters(page);
      if ('ok' in found) throw new TuttiError(found.code, found.message);
      return found.value;
    });
    for await (const { name, agent, agent_state: state } of clusters)
      if (agent === 'managed' && this.#isWanted(String(name), state)) names.push(String(name));
    return names;
  }

  #isWanted(name: string, state: unknown): boolean {
    if (name !== LOCAL_CLUSTER) return true;
    this.#isLocalWanted ||= state !== 'not_needed';
    return this.#isLocalWanted;
  }
}
