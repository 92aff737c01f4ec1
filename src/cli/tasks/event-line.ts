import type { StreamedEvent } from '../../client/follow.js';
import type { CommandFields } from '../../model/run.js';
import { shortId } from '../../model/short-id.js';
import { writeJson, writeLine } from '../io.js';
import { stackBelow } from '../print/stack.js';
import type { Session } from '../program.js';
import { sourceOf } from './task.js';

/** An event as one line: `12:03:04 0189abcd/2 ml_model execution.progress 50 % reading the grid mix`. */
export function eventLine(event: StreamedEvent): string {
  const task =
    event.problem_id === undefined
      ? undefined
      : [shortId(event.problem_id), event.iteration_id].filter((part) => part !== undefined).join('/');
  const node = typeof event.node_id === 'string' ? `node ${shortId(event.node_id)}` : undefined;
  const parts = [event.at.slice(11, 19), task, event.module, event.type, detailOf(event), node];
  return parts.filter((part) => part !== undefined && part !== '').join(' ');
}

function detailOf(event: StreamedEvent): string {
  const {
    progress,
    status,
    message,
    decision,
    reason,
    error,
    pass,
    item,
    items,
    why: end,
  } = event as Readonly<Record<string, unknown>>;
  const { code, message: why } = (error ?? {}) as { code?: string; message?: string };
  const parts = [
    typeof pass === 'number' ? `pass ${pass}` : undefined,
    typeof item === 'number' ? `item ${item}` : undefined,
    typeof items === 'number' ? `${items} ${items === 1 ? 'item' : 'items'}` : undefined,
    event.type === 'loop.ended' ? end : undefined,
    typeof progress === 'number' ? `${Math.round(progress * 100)} %` : undefined,
    status,
    message,
    commandOf(event),
    decision,
    reason,
    sourceOf(event),
    code === undefined ? undefined : `${code}: ${why ?? ''}`,
  ];
  return parts
    .filter((part) => typeof part === 'string' && part !== '')
    .join(' ')
    .replace(/\s+/g, ' ');
}

/** The content of an `execution.command` event. */
function commandOf({ type, ...event }: StreamedEvent): string | undefined {
  if (type !== 'execution.command') return undefined;
  const { cluster, argv, engine_id, host, exit_code, signal } = event as CommandFields;
  const parts = [
    argv?.join(' '),
    cluster && `on ${cluster}`,
    engine_id && `as ${engine_id}`,
    host && `on ${host}`,
    exit_code === undefined ? undefined : `ended with ${signal ?? exit_code}`,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

/** One event on stdout: as JSON, or as a line with the stack of its error below. */
export function printEvent({ io, json }: Pick<Session, 'io' | 'json'>, event: StreamedEvent): void {
  const { stack } = (event.error ?? {}) as { stack?: unknown };
  if (json) writeJson(io.stdout, event);
  else writeLine(io.stdout, `${eventLine(event)}${stackBelow(stack)}`);
}
