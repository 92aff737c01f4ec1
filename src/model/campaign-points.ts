/**
 * The points that a campaign tries: what a policy without a module proposes. Each follows from the policy and its number alone, so a restart
 * proposes the same.
 */
import { readExactly, unordered } from '../base/json/exact.js';
import { stepsOf } from '../base/json/pointer.js';
import { sha256Of } from '../base/sha256.js';
import type { GridAxis, Propose, RandomAxis } from './campaign.js';

/** Values by their JSON pointers. */
export type Point = ReadonlyMap<string, unknown>;

export const MAX_GRID_POINTS = 100_000;

/** The digits of a hash that a number between 0 and 1 is made of: 52 bits. */
const DIGITS = 13;

/** How many points a policy has; a grid only has an end. */
export function pointsIn(propose: Propose): number {
  if (propose.kind !== 'grid') return Number.POSITIVE_INFINITY;
  return propose.axes.reduce((points, { values }) => points * values.length, 1);
}

/** `number`: from 1. Nothing where a grid has no more. */
export function pointAt(propose: Exclude<Propose, { kind: 'module' }>, number: number): Point | undefined {
  switch (propose.kind) {
    case 'repeat':
      return new Map();
    case 'grid':
      return number > pointsIn(propose) ? undefined : gridPoint(propose.axes, number - 1);
    case 'random':
      return new Map(propose.axes.map((axis) => [axis.at, draw(axis, propose.seed, number)]));
    default:
      return propose satisfies never;
  }
}

/** The last axis varies first. */
function gridPoint(axes: readonly GridAxis[], index: number): Point {
  const values: [string, unknown][] = [];
  let rest = index;
  for (const axis of [...axes].reverse()) {
    values.unshift([axis.at, readExactly(axis.values[rest % axis.values.length]!)]);
    rest = Math.floor(rest / axis.values.length);
  }
  return new Map(values);
}

function draw(axis: RandomAxis, seed: number, number: number): unknown {
  const part = uniform(`${seed} ${number} ${axis.at}`);
  if ('values' in axis) return readExactly(axis.values[Math.floor(part * axis.values.length)]!);
  const { min, max, log, integer } = axis;
  // Each whole number gets an equal share, those at both ends as well.
  const [from, to] = integer ? [min, max + 1] : [min, max];
  const value = log ? Math.exp(Math.log(from) + part * Math.log(to / from)) : from + part * (to - from);
  const drawn = integer ? Math.floor(value) : value;
  return Math.min(max, Math.max(min, drawn));
}

/** From 0 up to, and without, 1. */
function uniform(text: string): number {
  return Number.parseInt(sha256Of(text).slice(0, DIGITS), 16) / 2 ** (4 * DIGITS);
}

/** The input with the values of a point. What a pointer leads through is made where it is absent; nothing where it leads through a plain value. */
export function withPoint(input: unknown, point: Point): unknown {
  let made = input;
  for (const [at, value] of point) made = withValue(made, stepsOf(at), value);
  return made;
}

function withValue(given: unknown, [step, ...rest]: readonly string[], value: unknown): unknown {
  if (step === undefined) return value;
  const input = unordered(given);
  if (Array.isArray(input)) {
    const index = /^(0|[1-9]\d*)$/.test(step) ? Number(step) : input.length;
    if (index >= input.length) throw new BadPointer(step, `there are ${input.length} items`);
    return input.map((item, at) => (at === index ? withValue(item, rest, value) : item));
  }
  if (input !== undefined && (typeof input !== 'object' || input === null))
    throw new BadPointer(step, 'it leads into a plain value');
  const fields = (input ?? {}) as Readonly<Record<string, unknown>>;
  const before = Object.hasOwn(fields, step) ? fields[step] : undefined;
  return Object.fromEntries([
    ...Object.entries(fields).filter(([name]) => name !== step),
    [step, withValue(before, rest, value)],
  ]);
}

/** A pointer that leads nowhere in an input. */
export class BadPointer extends Error {
  constructor(step: string, why: string) {
    super(`nothing is at ${JSON.stringify(step)}: ${why}`);
  }
}
