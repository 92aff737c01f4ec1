/** The `tutti` command as a process. */
import { TUTTI } from './orchestrator.js';
import type { Scene } from './processes.js';

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it to its end. */
export async function tutti(
  scene: Scene,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const spawned = scene.spawn([TUTTI, ...args], env);
  const { code } = await spawned.exited;
  return { code, stdout: spawned.stdout, stderr: spawned.stderr };
}
