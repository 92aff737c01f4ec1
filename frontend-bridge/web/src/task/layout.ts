/**
 * Where the modules of a graph stand. Depends on the graph's shape and the frame's, so that nothing moves while a task runs.
 */
import { Graph, layout } from '@dagrejs/dagre';
import type { GraphModuleJson, LoopJson } from '../../../../src/contract/graph.js';
import { modulesOf } from '../graphs/outputs.js';

export const MODULE_SIZE = { width: 188, height: 98 } as const;
export const SOURCE_SIZE = { width: 120, height: 56 } as const;

/** Around the whole. */
const MARGIN = 10;
/** How deep the line of a previous output hangs at least, and at most. */
const HANG = { least: 30, most: 90 } as const;

/** As much of a graph as it takes to draw it. */
export interface Shape {
  readonly name: string;
  /** Without one, modules that name nothing come first. */
  readonly source?: { readonly name: string };
  readonly modules: Readonly<Record<string, Pick<GraphModuleJson, 'inputs' | 'previous'>>>;
  readonly loops?: readonly LoopJson[];
}

/** From left to right, or from top to bottom. */
export type Direction = 'across' | 'down';

interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Place {
  readonly name: string;
  /** Of the upper left corner. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The way from one place to another, around those between: an SVG path. */
export interface Line {
  readonly from: string;
  readonly to: string;
  /** It brings the output of the parent iteration. */
  readonly isPrevious: boolean;
  /** It leads back to the first module of a loop. */
  readonly loop?: {
    readonly until: string;
    readonly max: number;
    /** Where that can be said: the middle of the line of text. */
    readonly label: Point;
  };
  readonly path: string;
}

export interface Score {
  readonly direction: Direction;
  /** The source first, where there is one, then the modules so that each comes after all its inputs. */
  readonly places: readonly Place[];
  readonly edges: readonly Line[];
  /** Around all of it, lines included. */
  readonly frame: Omit<Place, 'name'>;
}

export function layOut(graph: Shape, direction: Direction = 'across'): Score {
  const dag = new Graph();
  const rankdir = direction === 'across' ? 'LR' : 'TB';
  dag.setGraph({ rankdir, nodesep: 18, edgesep: 12, ranksep: 38, marginx: MARGIN, marginy: MARGIN });
  dag.setDefaultEdgeLabel(() => ({}));
  const first = sourceOf(graph);
  for (const name of first) dag.setNode(keyOf(name), { ...SOURCE_SIZE });
  const names = inOrder(graph);
  for (const name of names) dag.setNode(keyOf(name), { ...MODULE_SIZE });
  const pairs = names.flatMap((to) => modulesOf(graph.modules[to]?.inputs).map((from) => ({ from, to })));
  for (const { from, to } of pairs) dag.setEdge(keyOf(from), keyOf(to));
  layout(dag);
  const places = [...first, ...names].map((name): Place => {
    const { x, y, width, height } = dag.node(keyOf(name)) as Place;
    return { name, x: x - width / 2, y: y - height / 2, width, height };
  });
  const pen = new Pen(direction, places);
  const inputs = pairs.map(({ from, to }): Line => {
    const bends = (dag.edge(keyOf(from), keyOf(to)) as { points: Point[] }).points;
    return { from, to, isPrevious: false, path: pen.input(from, bends.slice(1, -1), to) };
  });
  const previous = names.flatMap((to) =>
    modulesOf(graph.modules[to]?.previous).map(
      (from): Line => ({ from, to, isPrevious: true, path: pen.previous(from, to) }),
    ),
  );
  const loops = (graph.loops ?? []).map(({ from, to, until, max }): Line => {
    const { path, label } = pen.loop(from, to);
    return { from, to, isPrevious: false, path, loop: { until, max, label } };
  });
  const bends = pairs.flatMap(
    ({ from, to }) => (dag.edge(keyOf(from), keyOf(to)) as { points: Point[] }).points,
  );
  const reach = names.flatMap((to) =>
    modulesOf(graph.modules[to]?.previous).map((from) => pen.reach(from, to)),
  );
  for (const { from, to } of loops) reach.push(pen.loopReach(from, to));
  const [down, aside] = direction === 'across' ? [reach, []] : [[], reach];
  const left = Math.min(...bends.map(({ x }) => x), ...places.map(({ x }) => x)) - MARGIN;
  const top = Math.min(...bends.map(({ y }) => y), ...places.map(({ y }) => y)) - MARGIN;
  const right =
    Math.max(...bends.map(({ x }) => x), ...places.map(({ x, width }) => x + width), ...aside) + MARGIN;
  const bottom =
    Math.max(...bends.map(({ y }) => y), ...places.map(({ y, height }) => y + height), ...down) + MARGIN;
  const frame = { x: left, y: top, width: right - left, height: bottom - top };
  return { direction, places, edges: [...inputs, ...previous, ...loops], frame };
}

/** The library keeps nodes as fields of plain objects: one that is called `constructor` is not to meet the object's own. */
function keyOf(name: string): string {
  return `.${name}`;
}

/** The direction in which more of a graph can be read in a frame of this size. */
export function layOutWithin(graph: Shape, width: number, height: number): Score {
  const across = layOut(graph);
  const down = layOut(graph, 'down');
  const zoom = ({ frame }: Score): number => Math.min(width / frame.width, height / frame.height, 1);
  // People read from left to right: it takes a clear gain to turn a graph.
  return zoom(down) > zoom(across) * 1.15 ? down : across;
}

/** How much deeper the line of a loop hangs, so that it is not that of a previous output. */
const LOOP_DEPTH = 26;
/** Of its words below it. */
const LABEL_HEIGHT = 18;
/** Of these, what letters hang below their line. */
const LABEL_DESCENT = 4;

/** How far a line stays level beyond the places of a rank that it passes. */
const CLEARANCE = 6;

/** Draws as if all graphs went from left to right; those that go down are turned over before and after. */
class Pen {
  readonly #direction: Direction;
  readonly #places: ReadonlyMap<string, Place>;

  constructor(direction: Direction, places: readonly Place[]) {
    this.#direction = direction;
    this.#places = new Map(places.map((place) => [place.name, this.#turn(place)]));
  }

  /** A smooth line that leaves to the right, passes level between the places of each rank on its way, and arrives from the left. */
  input(from: string, bends: readonly Point[], to: string): string {
    const [source, target] = [this.#at(from), this.#at(to)];
    const start = { x: source.x + source.width, y: source.y + source.height / 2 };
    const end = { x: target.x, y: target.y + target.height / 2 };
    const turned = bends.map((bend) => (this.#direction === 'across' ? bend : { x: bend.y, y: bend.x }));
    const passed = turned.flatMap(({ x, y }): Point[] => {
      const rank = [...this.#places.values()].filter((place) => place.x <= x && x <= place.x + place.width);
      const left = Math.min(...rank.map((place) => place.x)) - CLEARANCE;
      const right = Math.max(...rank.map((place) => place.x + place.width)) + CLEARANCE;
      // A bend between two ranks only adds a kink.
      return rank.length > 0 && left > start.x && right < end.x
        ? [
            { x: left, y },
            { x: right, y },
          ]
        : [];
    });
    const stops = [start, ...passed, end];
    return this.#draw(
      start,
      stops.slice(1).map((stop, index) => {
        const last = stops[index] ?? start;
        const middle = (last.x + stop.x) / 2;
        return [{ x: middle, y: last.y }, { x: middle, y: stop.y }, stop];
      }),
    );
  }

  /** A line that hangs below its two ends, which may be of one place. */
  previous(from: string, to: string): string {
    const [start, end] = this.#ends(from, to);
    const bottom = Math.max(start.y, end.y) + depthOf(start, end);
    return this.#draw(start, [[{ x: start.x, y: bottom }, { x: end.x, y: bottom }, end]]);
  }

  /** How far down that line comes: a curve stays within three quarters of where its handles are. */
  reach(from: string, to: string): number {
    const [start, end] = this.#ends(from, to);
    return Math.max(start.y, end.y) + depthOf(start, end) * 0.75;
  }

  /** Deeper than a previous output, with the place for its words on it. */
  loop(from: string, to: string): { readonly path: string; readonly label: Point } {
    const [start, end] = this.#ends(from, to);
    const bottom = Math.max(start.y, end.y) + depthOf(start, end) + LOOP_DEPTH;
    const path = this.#draw(start, [[{ x: start.x, y: bottom }, { x: end.x, y: bottom }, end]]);
    const middle = { x: (start.x + end.x) / 2, y: this.loopReach(from, to) - LABEL_DESCENT };
    return { path, label: this.#direction === 'across' ? middle : { x: middle.y, y: middle.x } };
  }

  loopReach(from: string, to: string): number {
    const [start, end] = this.#ends(from, to);
    return Math.max(start.y, end.y) + (depthOf(start, end) + LOOP_DEPTH) * 0.75 + LABEL_HEIGHT;
  }

  #ends(from: string, to: string): [start: Point, end: Point] {
    const [source, target] = [this.#at(from), this.#at(to)];
    return [
      { x: source.x + source.width * 0.7, y: source.y + source.height },
      { x: target.x + target.width * 0.3, y: target.y + target.height },
    ];
  }

  #at(name: string): Place {
    const place = this.#places.get(name);
    // A stored graph names no module that it has not; one that does still has to be shown.
    return place ?? { name, x: 0, y: 0, width: 0, height: 0 };
  }

  #turn(place: Place): Place {
    if (this.#direction === 'across') return place;
    const { name, x, y, width, height } = place;
    return { name, x: y, y: x, width: height, height: width };
  }

  #draw(start: Point, curves: readonly (readonly Point[])[]): string {
    const write = ({ x, y }: Point): string => (this.#direction === 'across' ? `${x},${y}` : `${y},${x}`);
    return `M${write(start)}${curves.map((points) => `C${points.map(write).join(' ')}`).join('')}`;
  }
}

function depthOf(start: Point, end: Point): number {
  return Math.min(HANG.most, HANG.least + Math.abs(end.x - start.x) * 0.12);
}

/** A module with all that it goes on from and all that goes on from it. */
export function relatives(graph: Shape, name: string): ReadonlySet<string> {
  const upstream = new Set([name]);
  for (const one of upstream) for (const input of modulesOf(graph.modules[one]?.inputs)) upstream.add(input);
  const downstream = new Set([name]);
  for (const one of inOrder(graph))
    if (modulesOf(graph.modules[one]?.inputs).some((input) => downstream.has(input))) downstream.add(one);
  return new Set([...upstream, ...downstream]);
}

function sourceOf({ source }: Shape): readonly string[] {
  return source === undefined ? [] : [source.name];
}

/** The modules, each after all its inputs; equals in the order of the graph. */
export function inOrder(graph: Shape): string[] {
  const ordered: string[] = [];
  const placed = new Set(sourceOf(graph));
  let left = Object.keys(graph.modules);
  while (left.length > 0) {
    const ready = left.filter((name) =>
      modulesOf(graph.modules[name]?.inputs).every((input) => placed.has(input)),
    );
    // A stored graph has no cycle; one that cannot be ordered is still shown whole.
    const next = ready.length > 0 ? ready : left;
    for (const name of next) placed.add(name);
    ordered.push(...next);
    left = left.filter((name) => !placed.has(name));
  }
  return ordered;
}

/** `until evaluate.loss < 0.1, at most 10 passes`, shortened. */
export function loopLabel({ until, max }: NonNullable<Line['loop']>): string {
  const text = `until ${until}`;
  return `${text.length > 44 ? `${text.slice(0, 43)}…` : text} · at most ${max}`;
}

/** The same in full. */
export function loopTitle(from: string, to: string, { until, max }: NonNullable<Line['loop']>): string {
  return `after ${from}, back to ${to} until ${until}, in at most ${max} passes`;
}
