/**
 * Lifecycle commands to nodes and to the executions of tasks: repeated under their id until acknowledged, for a bounded time.
 *
 * 1. `acked` when every node that it concerns has acknowledged it; a part is *stopped* when its execution has ended and its node
 *    does not name it any more.
 * 2. Commands of users are stored. Those of the house (START after a welcome, the stop of an execution that timed out) follow
 *    again from the state after a restart.
 */
import type { NodeCmd } from '../../model/node.js';
import type { CommandAck, ReportedError } from '../../model/protocol.js';
import type { Execution } from '../../model/task.js';
import { formatTaskId, type TaskId } from '../../model/task-id.js';
import type { TaskCmd } from '../../model/task-state.js';
import type { CommandRow } from '../records.js';
import { type AboutModule, aboutTask } from './about.js';
import type { FleetNode } from './state.js';
import type { Turn } from './turn.js';

/** A node that is alive answers within a few milliseconds; the repeat is for a lost connection. */
const COMMAND_AGAIN_MS = 1000;
const COMMAND_DEADLINE_MS = 30_000;

export interface CommandPart {
  readonly nodeId: string;
  /** By its id: a command may outlive the task. */
  readonly executionId: string | undefined;
  /** The node had not accepted the execution: its assignment may arrive yet, before the command does. */
  readonly overtakes: boolean;
  ackedAt: number | undefined;
  stoppedAt: number | undefined;
  error: ReportedError | undefined;
}

export type CommandTarget =
  | { readonly kind: 'node'; readonly nodeId: string; readonly cmd: NodeCmd }
  | {
      readonly kind: 'task';
      readonly taskId: TaskId;
      readonly module: string | undefined;
      readonly cmd: TaskCmd;
    };

export interface Command {
  readonly commandId: string;
  readonly by: 'user' | 'house';
  readonly target: CommandTarget;
  readonly reason: string;
  readonly graceMs: number;
  readonly issuedAt: number;
  readonly deadlineMs: number;
  readonly parts: CommandPart[];
  state: CommandRow['state'];
}

export interface CommandInit {
  readonly by: Command['by'];
  readonly target: CommandTarget;
  readonly reason: string;
  /** Whom it concerns: nodes, or executions on them. None: there is nothing to do, and it is acknowledged at once. */
  readonly parts: readonly { readonly nodeId: string; readonly execution?: Execution }[];
}

/** Issues a command: it leaves with this batch. */
export function issue(turn: Turn, init: CommandInit): Command {
  const { state, journal } = turn;
  if (init.target.kind === 'node') supersede(turn, init.target.nodeId, init.by);
  const command: Command = {
    commandId: turn.ids.uuid(),
    by: init.by,
    target: init.target,
    reason: init.reason,
    graceMs: turn.house.graceMs,
    issuedAt: turn.wallMs,
    deadlineMs: turn.nowMs + COMMAND_DEADLINE_MS,
    parts: init.parts.map(({ nodeId, execution }) => ({
      nodeId,
      executionId: execution?.id,
      overtakes: execution !== undefined && !execution.acceptedByReport,
      ackedAt: undefined,
      stoppedAt: undefined,
      error: undefined,
    })),
    state: 'pending',
  };
  state.commands.set(command.commandId, command);
  if (command.by === 'user') {
    journal.fact({
      type: 'command.issued',
      ...about(command),
      command_id: command.commandId,
      command: verb(command),
      reason: command.reason,
    });
  }
  send(turn, command);
  conclude(turn, command);
  return command;
}

/**
 * What the node has not answered is not repeated after a newer command, which it would undo. Commands of the house give way to those
 * of users, not the other way round.
 */
function supersede(turn: Turn, nodeId: string, by: Command['by']): void {
  for (const command of turn.state.commands.values()) {
    const { target, state, parts } = command;
    if (target.kind !== 'node' || target.nodeId !== nodeId || state !== 'pending') continue;
    if (by === 'house' && command.by === 'user') continue;
    const error = { code: 'superseded', message: 'a newer command to the node was issued', retryable: false };
    for (const part of parts) if (part.ackedAt === undefined) part.error ??= error;
    conclude(turn, command);
  }
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
  turn.state.timers.set(`command ${command.commandId}`, turn.nowMs + COMMAND_AGAIN_MS, {
    kind: 'command again',
    commandId: command.commandId,
  });
}

export function commandAgain(turn: Turn, commandId: string): void {
  const command = turn.state.commands.get(commandId);
  if (!command) return;
  stopParts(turn, (part, { commandId: id }) => id === commandId && isOnDeadNode(turn, part));
  if (command.state === 'pending' && turn.nowMs >= command.deadlineMs) {
    command.state = 'expired';
    conclude(turn, command);
  } else if (command.state === 'pending') {
    send(turn, command);
  }
}

export function receiveAck(turn: Turn, node: FleetNode, ack: CommandAck): void {
  const command = turn.state.commands.get(ack.commandId);
  const part = command?.parts.find(
    ({ nodeId, executionId }) => nodeId === node.nodeId && (executionId ?? '') === ack.executionId,
  );
  if (!command || !part || part.ackedAt !== undefined || part.error) return;
  if (ack.accepted) part.ackedAt = turn.wallMs;
  else part.error = ack.error ?? { code: 'refused', message: 'the node gave no reason', retryable: false };
  conclude(turn, command);
}

/** An execution has ended, and its node is not known to be at work on it any more. */
export function noteStopped(turn: Turn, execution: Execution): void {
  if (turn.state.nodes.get(execution.nodeId)?.stopping.has(execution.id)) return;
  stopParts(turn, (part) => part.executionId === execution.id);
}

/**
 * Whether an assignment may still be on its way to the node although it is to stop: the stop follows it on the same connection, so
 * its acknowledgement says that everything before it has arrived.
 */
export function isStopUnheard({ state }: Turn, node: FleetNode, executionId: string): boolean {
  for (const command of state.commands.values()) {
    if (command.state !== 'pending') continue;
    for (const part of command.parts) {
      if (part.executionId !== executionId || part.nodeId !== node.nodeId) continue;
      if (part.overtakes && part.ackedAt === undefined && !part.error) return true;
    }
  }
  return false;
}

/** The node does not name these any more. */
export function noteGone(turn: Turn, node: FleetNode, isGone: (executionId: string) => boolean): void {
  stopParts(
    turn,
    ({ nodeId, executionId }) => nodeId === node.nodeId && executionId !== undefined && isGone(executionId),
  );
}

/** The process is gone: it is not at work on anything any more, and no successor is to end in its place. */
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
  for (const command of turn.state.commands.values()) {
    for (const part of command.parts) {
      if (part.stoppedAt === undefined && isStopped(part, command)) stopPart(turn, command, part);
    }
  }
}

function stopPart(turn: Turn, command: Command, part: CommandPart): void {
  part.stoppedAt = turn.wallMs;
  if (command.by === 'user') {
    turn.journal.fact({
      type: 'command.stopped',
      ...about(command),
      ...(part.executionId !== undefined && { execution_id: part.executionId }),
      node_id: part.nodeId,
      command_id: command.commandId,
    });
  }
  conclude(turn, command);
}

/** What its parts' answers make of the command; it is forgotten once nothing more is expected. */
function conclude(turn: Turn, command: Command): void {
  if (command.state === 'pending') {
    const open = command.parts.some(
      (part) => part.ackedAt === undefined && !part.error && part.stoppedAt === undefined,
    );
    if (!open) {
      const refused = command.parts.some((part) => part.error && part.stoppedAt === undefined);
      command.state = refused ? 'refused' : 'acked';
    }
    if (!open && command.by === 'user') announce(turn, command);
  } else if (command.state === 'expired' && command.by === 'user') {
    announce(turn, command);
  }
  if (command.by === 'user') turn.journal.commands.add(command);
  const expectsStop = command.target.kind === 'task' && command.state === 'acked';
  const over = !expectsStop || command.parts.every((part) => part.stoppedAt !== undefined);
  if (command.state !== 'pending' && over) {
    turn.state.commands.delete(command.commandId);
    turn.state.timers.clear(`command ${command.commandId}`);
  }
}

function announce(turn: Turn, command: Command): void {
  if (command.state === 'pending') return;
  const error = command.parts.find((part) => part.error)?.error;
  turn.journal.fact({
    type: `command.${command.state}`,
    ...about(command),
    command_id: command.commandId,
    command: verb(command),
    ...(error && { error }),
  });
}

function verb(command: Command): string {
  return command.target.cmd.toLowerCase();
}

type AboutTarget = Partial<AboutModule> & { readonly node_id?: string };

function about(command: Command): AboutTarget {
  const { target } = command;
  if (target.kind === 'node') return { node_id: target.nodeId };
  return {
    ...aboutTask({ id: target.taskId }),
    ...(target.module !== undefined && { module: target.module }),
  };
}

export function commandToRow(command: Command): CommandRow {
  const { target } = command;
  return {
    command_id: command.commandId,
    target:
      target.kind === 'node'
        ? { node_id: target.nodeId }
        : {
            task_id: formatTaskId(target.taskId),
            ...(target.module !== undefined && { module: target.module }),
          },
    command: verb(command),
    ...(command.reason !== '' && { reason: command.reason }),
    issued_at: command.issuedAt,
    state: command.state,
    parts: command.parts.map((part) => ({
      node_id: part.nodeId,
      ...(part.executionId !== undefined && { execution_id: part.executionId }),
      ...(part.ackedAt !== undefined && { acked_at: part.ackedAt }),
      ...(part.stoppedAt !== undefined && { stopped_at: part.stoppedAt }),
      ...(part.error && { error: part.error }),
    })),
  };
}
