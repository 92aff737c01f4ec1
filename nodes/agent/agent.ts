/** The agent of a cluster: it executes run modules, on an engine. */
import { type AgentControls, type AgentPlay, agent, type ClusterReach, type Node } from 'tutti/sdk';
import type { Engine } from './engine.js';
import { createEngine } from './engine-of.js';
import { Folders } from './folders.js';
import { Health } from './health.js';
import { Watch } from './watch.js';
import { Work } from './work.js';

export interface AgentSettings {
  readonly cluster: string;
  /** The agent's state folder. */
  readonly stateDir: string;
  readonly version: string;
  readonly logger: {
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  /** The state folder is this process's own; it has not said hello yet. */
  readonly onBegin?: () => void;
  /** How to get at a cluster; told for tests. @default the engines that ship with the project */
  readonly engineOf?: (reach: ClusterReach) => Engine;
}

/** How often the commands of a cluster are looked at, in ms: on this machine it costs nothing, elsewhere it is a request. */
const LOOK_EVERY_MS = { here: 200, away: 1_000 } as const;

export function createAgent(settings: AgentSettings): Node {
  const { cluster, stateDir, version } = settings;
  return agent({ cluster, stateDir, version }, (controls) => {
    settings.onBegin?.();
    return new Play(settings, controls);
  });
}

class Play implements AgentPlay {
  readonly #settings: AgentSettings;
  readonly #controls: AgentControls;
  readonly #folders: Folders;
  readonly #health: Health;
  #place: { readonly reach: string; readonly engine: Engine; readonly work: Work } | undefined;

  constructor(settings: AgentSettings, controls: AgentControls) {
    this.#settings = settings;
    this.#controls = controls;
    this.#folders = new Folders(settings.stateDir);
    this.#health = new Health(controls);
  }

  welcomed(cluster: ClusterReach): void {
    const { slots: _, ...reach } = cluster;
    const text = JSON.stringify(reach);
    if (this.#place?.reach === text) {
      this.#controls.kept(this.#folders.kept());
      return;
    }
    if (this.#place) {
      this.#settings.logger.error(
        { cluster: cluster.name },
        'the way to reach the cluster has changed: the agent ends, and uses the new way when it is started again',
      );
      this.#controls.leave();
      return;
    }
    const engine = this.#engineOf(cluster);
    if (!engine) return;
    const isAway = cluster.host !== undefined || cluster.type !== 'local';
    const watch = new Watch(engine, this.#health, isAway ? LOOK_EVERY_MS.away : LOOK_EVERY_MS.here);
    const { logger } = this.#settings;
    const work = new Work({
      ...{ engine, watch, health: this.#health, folders: this.#folders, workdir: cluster.workdir },
      warn: (fields, message) => logger.warn(fields, message),
    });
    this.#place = { reach: text, engine, work };
    void work.removeLeftovers(this.#controls.held);
    this.#controls.kept(this.#folders.kept());
  }

  /** Nothing where the description is at fault: an agent that ended because of it would only be started again. */
  #engineOf(cluster: ClusterReach): Engine | undefined {
    try {
      return (this.#settings.engineOf ?? createEngine)(cluster);
    } catch (thrown) {
      const message = `the description of the cluster is invalid:  ${(thrown as Error).message}`;
      this.#controls.trouble({ code: 'cluster_unusable', message });
      return undefined;
    }
  }

  async ready(): Promise<void> {
    if (this.#place) await this.#health.watch(this.#place.engine);
  }

  run(task: Parameters<AgentPlay['run']>[0]): ReturnType<AgentPlay['run']> {
    return this.#place!.work.run(task);
  }

  released(executionId: string): void {
    void this.#place?.work.release(executionId);
  }

  forget(executionIds: readonly string[]): void {
    void this.#place?.work.forget(executionIds);
  }

  async ended(): Promise<void> {
    this.#health.stop();
    await this.#place?.engine.close();
  }
}
