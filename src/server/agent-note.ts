/** The file that an agent writes once it owns its state folder: for the orchestrator that supervises it, and the next one. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface AgentNote {
  readonly pid: number;
  /** Its start: a pid alone comes again. */
  readonly started: string;
  /** Where it dials. */
  readonly control: string;
}

export function readAgentNote(stateDir: string): AgentNote | undefined {
  try {
    return JSON.parse(readFileSync(join(stateDir, 'agent.json'), 'utf8')) as AgentNote;
  } catch {
    return undefined;
  }
}

export function writeAgentNote(stateDir: string, note: AgentNote): void {
  const path = join(stateDir, 'agent.json');
  writeFileSync(`${path}.new`, JSON.stringify(note), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
