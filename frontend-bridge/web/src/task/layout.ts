/**
 * Where the modules of a graph stand. Depends on the graph's shape alone, so that nothing moves while a task runs.
 */
import { Graph, layout } from '@dagrejs/dagre';
import type { GraphJson } from '../api/shapes.js';

export const MODULE_SIZE = { width: 236, height: 104 } as const;
export const SOURCE_SIZE = { width: 148, height: 60 } as const;

/** Around the whole. */
const MARGIN = 10;

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
  readonly path: string;
}

export interface Score {
  /** The source first, then the modules so that each comes after all its inputs. */
  readonly places: readonly Place[];
  readonly edges: readonly Line[];
  /** Around all of it, lines included. */
  readonly frame: Omit<Place, 'name'>;
}

export function layOut(graph: GraphJson): Score {
  const dag = new Graph();
  dag.setGraph({ rankdir: 'LR', nodesep: 22, edgesep: 14, ranksep: 58, marginx: MARGIN, marginy: MARGIN });
  dag.setDefaultEdgeLabel(() => ({}));
  dag.setNode(graph.source.name, { ...SOURCE_SIZE });
  const names = inOrder(graph);
  for (const name of names) dag.setNode(name, { ...MODULE_SIZE });
  const pairs = names.flatMap((to) => (graph.modules[to]?.inputs ?? []).map((from) => ({ from, to })));
  for (const { from, to } of pairs) dag.setEdge(from, to);
  layout(dag);
  const places = [graph.source.name, ...names].map((name): Place => {
    const { x, y, width, height } = dag.node(name) as Place;
    return { name, x: x - width / 2, y: y - height / 2, width, height };
  });
  const byName = new Map(places.map((place) => [place.name, place]));
  const edges = pairs.flatMap(({ from, to }): Line[] => {
    const [source, target] = [byName.get(from), byName.get(to)];
    if (!source || !target) return [];
    const bends = (dag.edge(from, to) as { points: Point[] }).points.slice(1, -1);
    return [{ from, to, path: drawLine(source, bends, target, places) }];
  });
  const bends = pairs.flatMap(({ from, to }) => (dag.edge(from, to) as { points: Point[] }).points);
  const top = Math.min(...bends.map(({ y }) => y), ...places.map(({ y }) => y)) - MARGIN;
  const bottom = Math.max(...bends.map(({ y }) => y), ...places.map(({ y, height }) => y + height)) + MARGIN;
  const right = Math.max(...places.map(({ x, width }) => x + width)) + MARGIN;
  return { places, edges, frame: { x: 0, y: top, width: right, height: bottom - top } };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** How far a line stays level beyond the places of a rank that it passes. */
const CLEARANCE = 6;

/** A smooth line that leaves to the right, passes level between the places of each rank on its way, and arrives from the left. */
function drawLine(from: Place, bends: readonly Point[], to: Place, places: readonly Place[]): string {
  const start = { x: from.x + from.width, y: from.y + from.height / 2 };
  const end = { x: to.x, y: to.y + to.height / 2 };
  const passed = bends.flatMap(({ x, y }): Point[] => {
    const rank = places.filter((place) => place.x <= x && x <= place.x + place.width);
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
  const pieces = stops.slice(1).map((stop, index) => {
    const last = stops[index] ?? start;
    const middle = (last.x + stop.x) / 2;
    return `C${middle},${last.y} ${middle},${stop.y} ${stop.x},${stop.y}`;
  });
  return `M${start.x},${start.y}${pieces.join('')}`;
}

/** The modules, each after all its inputs; equals in the order of the graph. */
export function inOrder(graph: GraphJson): string[] {
  const ordered: string[] = [];
  const placed = new Set([graph.source.name]);
  let left = Object.keys(graph.modules);
  while (left.length > 0) {
    const ready = left.filter((name) => graph.modules[name]?.inputs.every((input) => placed.has(input)));
    // A stored graph has no cycle; one that cannot be ordered is still shown whole.
    const next = ready.length > 0 ? ready : left;
    for (const name of next) placed.add(name);
    ordered.push(...next);
    left = left.filter((name) => !placed.has(name));
  }
  return ordered;
}
