/** The managed agents of an orchestrator: processes that outlive it, so that a test ends them itself. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endProcess, startOf } from '../../src/store/process-info.js';

export interface AgentProcess {
  readonly pid: number;
  readonly started: string;
}

/** That of a cluster, if it runs. */
export async function agentOf(data: string, cluster = 'local'): Promise<AgentProcess | undefined> {
  const file = join(data, 'agents', cluster, 'state', 'agent.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  const agent = text === undefined ? undefined : (JSON.parse(text) as AgentProcess);
  return agent && (await startOf(agent.pid)) === agent.started ? agent : undefined;
}

export async function endAgents(data: string): Promise<void> {
  for (const cluster of await readdir(join(data, 'agents')).catch(() => [])) {
    const agent = await agentOf(data, cluster);
    if (agent) await endProcess(agent.pid, agent.started, 0);
  }
}
