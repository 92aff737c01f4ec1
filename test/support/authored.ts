/** Nodes as an author writes them: a file of their own that imports the package, run as a process. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { python } from '../python/python.js';
import type { OrchestratorProcess } from './orchestrator.js';
import type { Scene, Spawned } from './processes.js';

const ROOT = join(import.meta.dirname, '../..');

export interface Authored {
  readonly source: string;
  /** @default 'js' */
  readonly language?: 'js' | 'py';
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts it, and waits until it has a node that takes work. */
export async function startAuthored(
  scene: Scene,
  orchestrator: OrchestratorProcess,
  { source, language = 'js', env = {} }: Authored,
): Promise<Spawned> {
  const tape = orchestrator.tape();
  const process = await spawnAuthored(scene, orchestrator.ready.control, { source, language, env });
  await tape.first('the node is idle', ({ type, status }) => type === 'node.status' && status === 'IDLE');
  return process;
}

/** Starts it, whatever becomes of it. */
export async function spawnAuthored(
  scene: Scene,
  control: string,
  { source, language = 'js', env = {} }: Authored,
): Promise<Spawned> {
  const folder = await scene.directory();
  const file = join(folder, language === 'js' ? 'node.mjs' : 'node.py');
  await writeFile(file, source);
  await mkdir(join(folder, 'node_modules'));
  await symlink(ROOT, join(folder, 'node_modules/tutti'));
  const all = { TUTTI_CONTROL: control, ...env };
  return language === 'js'
    ? scene.spawn([file], all, folder)
    : scene.spawn([file], { ...all, PYTHONPATH: join(ROOT, 'python/src') }, folder, python);
}
