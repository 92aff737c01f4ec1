import { brief, type Fault } from '../../base/errors.js';
import { pointer } from '../../base/json/pointer.js';

/** A place in a value, as a chain: its text is only made when something is wrong there. */
export interface Place {
  readonly parent: Place | undefined;
  readonly key: string | number;
}

/** All that is wrong with a value, in the order in which it was met. */
export class FaultList {
  readonly faults: Fault[] = [];

  /** Always undefined, so that a writer can `return faults.add(…)`. */
  add(at: Place | undefined, code: string, message: string): undefined {
    this.faults.push(brief({ path: pointerTo(at), code, message }));
  }
}

function pointerTo(at: Place | undefined): string {
  let path = '';
  for (let place = at; place; place = place.parent) {
    path = pointer(place.key) + path;
  }
  return path;
}

const SHOWN_CHARACTERS = 60;

/** A value in a message for people, cut where it is long. */
export function show(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value);
  }
  if (Array.isArray(value)) return 'a list';
  if (ArrayBuffer.isView(value)) return 'bytes';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'function' || typeof value === 'symbol' ? `a ${typeof value}` : String(value);
}

/** Objects whose content is not in their properties: taken for a message, they would be an empty one. */
const CONTAINERS = [
  Map,
  Set,
  WeakMap,
  WeakSet,
  Date,
  Promise,
  RegExp,
  Error,
  ArrayBuffer,
  Number,
  String,
  Boolean,
];

export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value))
    return false;
  return !CONTAINERS.some((container) => value instanceof container);
}
