/** A line of a task's log as people read it. What comes from others is made inert before it is coloured. */
import { inertText } from '../../base/inert.js';
import type { StreamedEvent } from '../../client/follow.js';
import type { Ink, Paint } from './paint.js';
import { stackBelow } from './stack.js';

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LEVELS)[number];

const INKS: Readonly<Record<Level, Ink>> = { debug: 'gray', info: 'blue', warn: 'yellow', error: 'red' };

export interface LogLine {
  readonly at: string;
  readonly module: string;
  readonly attempt: number;
  readonly level: Level;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly stack: string | undefined;
}

/** The lines that an event adds to the log: a line of a node, or the error of an ended execution. */
export function logLineOf(event: StreamedEvent): LogLine | undefined {
  const where = { module: String(event.module), attempt: Number(event.attempt) };
  if (event.type === 'execution.log') {
    const { logged_at, level, message, fields } = event;
    return {
      ...where,
      at: String(logged_at),
      level: LEVELS.find((known) => known === level) ?? 'info',
      message: String(message),
      fields: (fields ?? {}) as LogLine['fields'],
      stack: undefined,
    };
  }
  const { code, message, stack } = (event.error ?? {}) as { code?: string; message?: string; stack?: string };
  if (!event.type.startsWith('execution.') || code === undefined) return undefined;
  const said = `${event.type.slice('execution.'.length)}: ${code}: ${message}`;
  return { ...where, at: event.at, level: 'error', message: said, fields: {}, stack };
}

/** `12:03:04.512 train#1 WARN loss is not a number epoch=7` */
export function printLogLine(
  { at, module, attempt, level, message, fields, stack }: LogLine,
  paint: Paint,
): string {
  const shown = Object.entries(fields).map(([name, value]) =>
    inertText(`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`),
  );
  const parts = [
    paint('gray', inertText(at.slice(11, 23))),
    `${inertText(module)}#${attempt}`,
    paint(INKS[level], level.toUpperCase().padEnd(5)),
    inertText(message).trimEnd().replaceAll('\n', '\n    '),
    ...(shown.length === 0 ? [] : [paint('gray', shown.join(' '))]),
  ];
  return parts.join(' ') + inertText(stackBelow(stack));
}
