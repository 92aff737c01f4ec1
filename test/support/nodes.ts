/** The fixture nodes of the end-to-end tests as processes. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OrchestratorProcess } from './orchestrator.js';
import type { Scene, Spawned } from './processes.js';

const PLAYER = join(import.meta.dirname, '../e2e/nodes/player.mjs');

/** What a task's input may ask of the node that plays a module: `{ [module]: Script }`. */
export interface Script {
  /** It waits before it answers until this file is there. */
  readonly hold?: string;
  /** Random time before the answer, up to this. */
  readonly random_ms?: number;
  /** Outputs before all that. */
  readonly partials?: number;
  /** Outputs after all that, before the last one. */
  readonly then_partials?: number;
  /** Throws instead of answering, in the first so many attempts. */
  readonly fail?: {
    readonly times: number;
    readonly code?: string;
    readonly message: string;
    readonly final?: boolean;
  };
}

/** The modules of the fixture graph `six`, in the order in which they run. */
export const SIX = ['metadata', 'requirements', 'constraints', 'model', 'resources', 'footprint'] as const;

export interface NodeSpec {
  readonly module: string;
  /** @default the module's name */
  readonly instance?: string;
  readonly capacity?: number;
  /** A file that gets a line when an execution begins and one when it ends. */
  readonly journal?: string;
  /** @default the orchestrator's */
  readonly control?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a node; it registers as soon as the orchestrator at that address answers. */
export function startNode(
  scene: Scene,
  orchestrator: Pick<OrchestratorProcess, 'ready'>,
  spec: NodeSpec,
): Spawned {
  return scene.spawn([PLAYER], {
    TUTTI_CONTROL: spec.control ?? orchestrator.ready.control,
    TUTTI_INSTANCE: spec.instance ?? spec.module,
    TUTTI_MODULE: spec.module,
    PLAYER_CAPACITY: String(spec.capacity ?? 1),
    ...(spec.journal !== undefined && { PLAYER_JOURNAL: spec.journal }),
    ...spec.env,
  });
}

export interface JournalLine {
  readonly what: 'begin' | 'end';
  readonly module: string;
  readonly instance: string;
  readonly task: string;
  readonly execution: string;
}

/** What the nodes have written into their journal. */
export async function readJournal(path: string): Promise<JournalLine[]> {
  const text = await readFile(path, 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JournalLine);
}
