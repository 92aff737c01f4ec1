/**
 * Lifecycle commands to nodes and to the executions of tasks: repeated under their id until acknowledged, for a bounded time.
 *
 * 1. `acked` when every node that it concerns has acknowledged it; a part is *stopped* when its execution has ended and its node
 *    no longer names it.
 * 2. Commands of users are stored. Those of the orchestrator (START after a welcome, the stop of an execution that timed out) follow
 *    again from the state after a restart.
 */
import type { Command, CommandPart, CommandTarget } from '../../../model/command.js';
import { applyCommand, type CommandFact } from '../../../model/fold/command.js';
import type { CommandAck, ReportedError } from '../../../model/protocol.js';
import type { Execution } from '../../../model/task.js';
import { type AboutModule, aboutTask } from '../about.js';
import { emit, momentOf } from '../emit.js';
import type { FleetNode } from '../state.js';
import type { Turn } from '../turn.js';

/** A node that is alive answers within a few milliseconds; the repeat is for a lost connection. */
const COMMAND_AGAIN_MS = 1000;

export interface CommandInit {
  readonly by: Command['by'];
  readonly target: CommandTarget;
  readonly reason: string;
  /** Whom it concerns: nodes, or executions on them. None: there is nothing to do, and it is acknowledged at once. */
  readonly parts: readonly { readonly nodeId: string; readonly execution?: Execution }[];
}

/** Issues a command: it leaves with this batch. Returns its id. */
export function issue(turn: Turn, init: CommandInit): string {
  const { by, target, reason, parts } = init;
  if (target.kind === 'node') supersede(turn, target.nodeId, by);
  const commandId = turn.ids.uuid();
  change(turn, by, {
    type: 'command.issued',
    ...about(target),
    command_id: commandId,
    command: verb(target),
    reason,
    by,
    grace_ms: turn.settings.graceMs,
    parts: parts.map(({ nodeId, execution }) => ({
      node_id: nodeId,
      ...(execution && { execution_id: execution.id }),
      ...(execution && !execution.acceptedByReport && { overtakes: true }),
    })),
  });
  const command = findCommand(turn, commandId);
  if (command) {
    send(turn, command);
    conclude(turn, command);
  }
  return commandId;
}

/** Facts about users' commands are recorded; those about the orchestrator's own change this process only. */
function change(turn: Turn, by: Command['by'], fact: CommandFact): void {
  if (by === 'user') emit(turn, fact);
  else {
    const { undo, ownCommands: commands } = turn.state;
    applyCommand({ undo, commands }, fact, momentOf(turn, turn.journal.cursor));
  }
}

function findCommand({ state }: Turn, commandId: string): Command | undefined {
  return state.commands.get(commandId) ?? state.ownCommands.get(commandId);
}

/**
 * A command that the node has not answered is not repeated after a newer one, which it would undo. Commands of the orchestrator give way to those
 * of users, not the other way round.
 */
function supersede(turn: Turn, nodeId: string, by: Command['by']): void {
  for (const command of turn.state.allCommands()) {
    const { target, state, parts } = command;
    if (target.kind !== 'node' || target.nodeId !== nodeId || state !== 'pending') continue;
    if (by === 'orchestrator' && command.by === 'user') continue;
    const error = { code: 'superseded', message: 'a newer command to the node was issued', retryable: false };
    for (const part of parts)
      if (part.ackedAt === undefined && !part.error) answer(turn, command, part, error);
    conclude(turn, command);
  }
}

function answer(turn: Turn, command: Command, part: CommandPart, error?: ReportedError): void {
  change(turn, command.by, {
    type: 'command.answered',
    command_id: command.commandId,
    ...aboutPart(part),
    ...(error && { error }),
  });
}

/** Sends it to every part that has not answered, and once more after a while. */
function send(turn: Turn, command: Command): void {
  for (const part of command.parts) {
    const node = turn.state.nodes.get(part.nodeId);
    if (part.ackedAt !== undefined || part.error || !node) continue;
    turn.journal.tell(
      node,
      command.target.kind === 'node'
        ? {
            kind: 'node_command',
            commandId: command.commandId,
            cmd: command.target.cmd,
            reason: command.reason,
            graceMs: command.graceMs,
          }
        : {
            kind: 'task_command',
            commandId: command.commandId,
            cmd: command.target.cmd,
            executionId: part.executionId ?? '',
            reason: command.reason,
            graceMs: command.graceMs,
          },
    );
  }
  turn.state.timers.set(
    { kind: 'command again', commandId: command.commandId },
    turn.nowMs + COMMAND_AGAIN_MS,
  );
}

export function commandAgain(turn: Turn, commandId: string): void {
  stopParts(turn, (part, { commandId: id }) => id === commandId && isOnDeadNode(turn, part));
  const command = findCommand(turn, commandId);
  if (command?.state !== 'pending') return;
  if (turn.nowMs < command.deadlineMs) send(turn, command);
  else say(turn, command, 'expired');
}

export function receiveAck(turn: Turn, node: FleetNode, ack: CommandAck): void {
  const command = findCommand(turn, ack.commandId);
  const part = command?.parts.find(
    ({ nodeId, executionId }) => nodeId === node.nodeId && (executionId ?? '') === ack.executionId,
  );
  if (!command || !part || part.ackedAt !== undefined || part.error) return;
  if (ack.accepted) answer(turn, command, part);
  else {
    const error = ack.error ?? { code: 'refused', message: 'the node gave no reason', retryable: false };
    answer(turn, command, part, error);
  }
  conclude(turn, command);
}

/** An execution has ended, and its node is no longer known to be at work on it. */
export function noteStopped(turn: Turn, execution: Execution): void {
  if (turn.state.nodes.get(execution.nodeId)?.stopping.has(execution.id)) return;
  stopParts(turn, (part) => part.executionId === execution.id);
}

/**
 * Whether an assignment may still be on its way to the node although it is to stop: the stop follows it on the same connection, so
 * its acknowledgement says that everything before it has arrived.
 */
export function isStopUnheard({ state }: Turn, node: FleetNode, executionId: string): boolean {
  for (const command of state.allCommands()) {
    if (command.state !== 'pending') continue;
    for (const part of command.parts) {
      if (part.executionId !== executionId || part.nodeId !== node.nodeId) continue;
      if (part.overtakes && part.ackedAt === undefined && !part.error) return true;
    }
  }
  return false;
}

/** The node no longer names these. */
export function noteGone(turn: Turn, node: FleetNode, isGone: (executionId: string) => boolean): void {
  stopParts(
    turn,
    ({ nodeId, executionId }) => nodeId === node.nodeId && executionId !== undefined && isGone(executionId),
  );
}

/** The process is gone: it is no longer at work on anything, and no successor is to end in its place. */
export function noteProcessGone(turn: Turn, node: FleetNode): void {
  const ends = ({ target }: Command): boolean => target.kind === 'task' || target.cmd === 'TERMINATE';
  stopParts(turn, ({ nodeId }, command) => nodeId === node.nodeId && ends(command));
}

/** Of a command that was recovered, perhaps long after its node died: nobody else notices. */
function isOnDeadNode({ state }: Turn, { nodeId, executionId }: CommandPart): boolean {
  const isOver = executionId !== undefined && !state.executions.has(executionId);
  return isOver && (state.nodes.get(nodeId)?.liveness ?? 'dead') === 'dead';
}

function stopParts(turn: Turn, isStopped: (part: CommandPart, command: Command) => boolean): void {
  for (const command of turn.state.allCommands()) {
    for (const part of command.parts) {
      if (!findCommand(turn, command.commandId)) break;
      if (part.stoppedAt !== undefined || !isStopped(part, command)) continue;
      change(turn, command.by, {
        type: 'command.stopped',
        ...about(command.target),
        ...aboutPart(part),
        command_id: command.commandId,
      });
      conclude(turn, command);
    }
  }
}

/** The state of the command by the answers of its parts; it is not repeated once no answer is expected. */
function conclude(turn: Turn, command: Command): void {
  const isOpen = command.parts.some(
    (part) => part.ackedAt === undefined && !part.error && part.stoppedAt === undefined,
  );
  if (command.state === 'pending' && !isOpen) {
    const isRefused = command.parts.some((part) => part.error && part.stoppedAt === undefined);
    say(turn, command, isRefused ? 'refused' : 'acked');
  } else clearWhenOver(turn, command);
}

function say(turn: Turn, command: Command, state: 'acked' | 'refused' | 'expired'): void {
  const error = command.parts.find((part) => part.error)?.error;
  change(turn, command.by, {
    type: `command.${state}`,
    ...about(command.target),
    command_id: command.commandId,
    command: verb(command.target),
    ...(error && { error }),
  });
  clearWhenOver(turn, command);
}

function clearWhenOver(turn: Turn, { commandId }: Command): void {
  if (!findCommand(turn, commandId)) turn.state.timers.clear({ kind: 'command again', commandId });
}

function verb(target: CommandTarget): string {
  return target.cmd.toLowerCase();
}

function aboutPart({ nodeId, executionId }: CommandPart): {
  readonly node_id: string;
  readonly execution_id?: string;
} {
  return { node_id: nodeId, ...(executionId !== undefined && { execution_id: executionId }) };
}

type AboutTarget = Partial<AboutModule> & { readonly node_id?: string };

function about(target: CommandTarget): AboutTarget {
  if (target.kind === 'node') return { node_id: target.nodeId };
  return {
    ...aboutTask({ id: target.taskId }),
    ...(target.module !== undefined && { module: target.module }),
  };
}
