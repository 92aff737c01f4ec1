/**
 * Thrown values as text: class and message, the place where they were thrown, and their causes.
 *
 * 1. Nothing here throws, whatever was thrown: getters, proxies and `toString` may do anything.
 * 2. The author's own frames are shown; those of this package and of Node.js itself are not.
 * 3. Everything is bounded: the causes of one error, the members of an aggregate, the bytes in all.
 */
import { fileURLToPath } from 'node:url';
import { inspect, types as is } from 'node:util';
import { cutMiddle } from '../base/cut.js';
import { MAX_STACK_BYTES } from '../model/limits.js';

const MAX_CAUSES = 8;
const MAX_MEMBERS = 8;
const MAX_TEXT_CHARS = MAX_STACK_BYTES;
/** `dist/src/`: everything of this package but its nodes. */
const OWN_FOLDER = new URL('..', import.meta.url);
const OWN_PLACES = ['(node:', 'at node:', OWN_FOLDER.href, fileURLToPath(OWN_FOLDER)];
const FRAME = /^\s+at /;

/** The result of `read`, or `otherwise` where it throws. */
export function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/** A property of anything, where it can be read. */
export function propertyOf(thrown: unknown, key: string): unknown {
  if ((typeof thrown !== 'object' && typeof thrown !== 'function') || thrown === null) return undefined;
  return attempt(() => (thrown as Record<string, unknown>)[key], undefined);
}

/** Its text alone; a description of a value that is not an error. Empty where there is none. */
export function textOf(thrown: unknown): string {
  if (typeof thrown === 'string' && thrown !== '') return thrown.slice(0, MAX_TEXT_CHARS);
  if (isErrorLike(thrown)) {
    const message = propertyOf(thrown, 'message');
    return typeof message === 'string' ? message.slice(0, MAX_TEXT_CHARS) : '(its message cannot be read)';
  }
  return `${attempt(() => inspected(thrown), 'an object that cannot be read')} was thrown, not an Error`;
}

/** Its class: empty for what is not an error, and for a plain `Error`, whose name says nothing. */
export function classOf(thrown: unknown): string {
  if (!isErrorLike(thrown)) return '';
  const name = propertyOf(thrown, 'name');
  if (typeof name === 'string' && name !== '' && name !== 'Error') return name.slice(0, 200);
  const own = propertyOf(propertyOf(thrown, 'constructor'), 'name');
  return typeof own === 'string' && own !== 'Error' && own !== 'Object' ? own.slice(0, 200) : '';
}

/** Class and text: `TypeError: x is not a function`. */
export function headOf(thrown: unknown): string {
  const [name, text] = [classOf(thrown), textOf(thrown)];
  return name === '' || text === '' ? name || text || 'Error' : `${name}: ${text}`;
}

/** Where it was thrown, then its causes; empty where no frame or cause says more than its text. */
export function stackOf(thrown: unknown): string {
  return attempt(() => {
    const { lines, saysMore } = rendered(thrown, new Set());
    return saysMore ? cutMiddle(lines.join('\n'), MAX_STACK_BYTES) : '';
  }, '');
}

function isErrorLike(thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null) return false;
  if (is.isNativeError(thrown) || attempt(() => thrown instanceof Error, false)) return true;
  return typeof propertyOf(thrown, 'message') === 'string';
}

function inspected(thrown: unknown): string {
  const shown = inspect(thrown, {
    customInspect: false,
    showProxy: true,
    depth: 2,
    breakLength: 120,
    maxArrayLength: 20,
    maxStringLength: 1_000,
  });
  return shown.slice(0, 2_000);
}

interface Rendered {
  readonly lines: readonly string[];
  readonly saysMore: boolean;
}

function rendered(thrown: unknown, seen: Set<unknown>): Rendered {
  const lines: string[] = [];
  let saysMore = false;
  let label = '';
  for (let each = thrown, count = 0; ; each = propertyOf(each, 'cause'), count += 1) {
    if (count > 0 && (each === undefined || each === null)) break;
    if (seen.has(each) || count > MAX_CAUSES) {
      lines.push(seen.has(each) ? 'Caused by: one of the above' : 'It has more causes, which are left out');
      break;
    }
    if (typeof each === 'object' && each !== null) seen.add(each);
    const own = ownLines(each);
    const members = memberLines(each, seen);
    lines.push(label + own[0], ...own.slice(1), ...members);
    saysMore ||= label !== '' || own.length > 1 || members.length > 0;
    label = 'Caused by: ';
  }
  return { lines, saysMore };
}

/** Its stack without the frames that are not the author's; where the stack does not show the text, that comes first. */
function ownLines(thrown: unknown): string[] {
  const head = headOf(thrown);
  const stack = isErrorLike(thrown) ? propertyOf(thrown, 'stack') : undefined;
  if (typeof stack !== 'string') return head.split('\n');
  const kept = cutMiddle(stack, MAX_STACK_BYTES * 4)
    .split('\n')
    .filter((line) => !(FRAME.test(line) && OWN_PLACES.some((place) => line.includes(place))));
  const [name, text] = [classOf(thrown), textOf(thrown)];
  const firstFrame = kept.findIndex((line) => FRAME.test(line));
  const shown = (firstFrame < 0 ? kept : kept.slice(0, firstFrame)).join('\n');
  // A class that sets no name of its own is called Error in its stack; a message may have been changed after the stack was made.
  if (shown.includes(text) && shown.includes(name)) return kept;
  if (shown.includes(text) && shown.startsWith('Error')) {
    return [`${name}${kept[0]!.slice('Error'.length)}`, ...kept.slice(1)];
  }
  return [...head.split('\n'), ...(firstFrame < 0 ? kept : kept.slice(firstFrame))];
}

/** The errors of an `AggregateError`. */
function memberLines(thrown: unknown, seen: Set<unknown>): string[] {
  const members = propertyOf(thrown, 'errors');
  if (!isErrorLike(thrown) || !attempt(() => Array.isArray(members), false)) return [];
  const all = members as readonly unknown[];
  const lines = attempt(() => all.slice(0, MAX_MEMBERS), []).flatMap((member, index) => [
    `  ${index + 1} of ${all.length}:`,
    ...(seen.has(member) ? ['one of the above'] : rendered(member, seen).lines).map((line) => `    ${line}`),
  ]);
  return all.length > MAX_MEMBERS ? [...lines, `  (${all.length - MAX_MEMBERS} more are left out)`] : lines;
}
