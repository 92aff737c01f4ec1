/** The fold of commands. Facts about users' commands are recorded; the same facts about the orchestrator's own commands stay in this process. */
import { DEFAULT_PROJECT } from '../access.js';
import { type Command, type CommandPart, type CommandState, commandMayBecome } from '../command.js';
import type { DurableState, Moment } from '../durable.js';
import type { FactOf } from '../facts.js';
import type { NodeCmd } from '../node.js';
import type { TaskCmd } from '../task-state.js';

export type CommandFact =
  | FactOf<'command.issued'>
  | FactOf<'command.answered'>
  | FactOf<'command.stopped'>
  | FactOf<'command.acked'>
  | FactOf<'command.refused'>
  | FactOf<'command.expired'>;

/** Where commands of one kind are held. */
export type Commands = Pick<DurableState, 'undo' | 'commands'>;

/** A node that is alive answers within a few milliseconds; what it has not answered by then is given up. */
const DEADLINE_MS = 30_000;

export function applyCommand(state: Commands, fact: CommandFact, moment: Moment): void {
  switch (fact.type) {
    case 'command.issued':
      issue(state, fact, moment);
      return;
    case 'command.answered':
      answer(state, fact, moment);
      return;
    case 'command.stopped':
      stop(state, fact, moment);
      return;
    case 'command.acked':
      conclude(state, fact, 'acked', moment);
      return;
    case 'command.refused':
      conclude(state, fact, 'refused', moment);
      return;
    case 'command.expired':
      conclude(state, fact, 'expired', moment);
      return;
    default:
      fact satisfies never;
  }
}

function issue(state: Commands, fact: FactOf<'command.issued'>, moment: Moment): void {
  const command: Command = {
    commandId: fact.command_id,
    by: fact.by,
    target: targetOf(fact),
    reason: fact.reason,
    graceMs: fact.grace_ms,
    issuedAt: moment.at,
    deadlineMs: moment.nowMs + DEADLINE_MS,
    parts: fact.parts.map(
      ({ node_id, execution_id, overtakes }): CommandPart => ({
        nodeId: node_id,
        executionId: execution_id,
        overtakes: overtakes ?? false,
        ackedAt: undefined,
        stoppedAt: undefined,
        error: undefined,
      }),
    ),
    state: 'pending',
  };
  state.undo.put(state.commands, command.commandId, command);
  settle(state, command, moment);
}

function targetOf(fact: FactOf<'command.issued'>): Command['target'] {
  const cmd = fact.command.toUpperCase();
  if (fact.problem_id === undefined || fact.iteration_id === undefined)
    return { kind: 'node', nodeId: fact.node_id ?? '', cmd: cmd as NodeCmd };
  const taskId = { problemId: fact.problem_id, iterationId: fact.iteration_id };
  const project = fact.project ?? DEFAULT_PROJECT;
  return { kind: 'task', taskId, project, module: fact.module, cmd: cmd as TaskCmd };
}

/** A node has accepted its part, or has refused it, or will no longer be asked. */
function answer(state: Commands, fact: FactOf<'command.answered'>, moment: Moment): void {
  const command = commandOf(state, fact);
  const part = partOf(command, fact);
  if (fact.error) state.undo.set(part, 'error', fact.error);
  else state.undo.set(part, 'ackedAt', moment.at);
  settle(state, command, moment);
}

function stop(state: Commands, fact: FactOf<'command.stopped'>, moment: Moment): void {
  const command = commandOf(state, fact);
  state.undo.set(partOf(command, fact), 'stoppedAt', moment.at);
  settle(state, command, moment);
}

function conclude(
  state: Commands,
  fact: { readonly command_id: string },
  next: CommandState,
  moment: Moment,
): void {
  const command = commandOf(state, fact);
  if (!commandMayBecome(command.state, next))
    throw new Error(`command ${command.commandId} cannot become ${next} from ${command.state}`);
  state.undo.set(command, 'state', next);
  settle(state, command, moment);
}

/** It is forgotten once nothing more is expected of it. */
function settle(state: Commands, command: Command, moment: Moment): void {
  if (command.by === 'user') state.undo.add(moment.changed.commands, command);
  if (command.state === 'pending') return;
  const expectsStop = command.target.kind === 'task' && command.state === 'acked';
  if (!expectsStop || command.parts.every((part) => part.stoppedAt !== undefined))
    state.undo.remove(state.commands, command.commandId);
}

function commandOf(state: Commands, { command_id }: { readonly command_id: string }): Command {
  const command = state.commands.get(command_id);
  if (!command) throw new Error(`command ${command_id} is not under way`);
  return command;
}

function partOf(
  command: Command,
  { node_id, execution_id }: { readonly node_id: string; readonly execution_id?: string },
): CommandPart {
  const part = command.parts.find((one) => one.nodeId === node_id && one.executionId === execution_id);
  if (!part) throw new Error(`command ${command.commandId} does not concern node ${node_id}`);
  return part;
}
