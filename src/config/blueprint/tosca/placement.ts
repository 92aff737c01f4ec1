/**
 * Where nodes run: a `Compute` stands for a cluster, by its attribute or property `host`, or by an address. The nodes that it hosts run there.
 *
 * P1. Nodes on one `Compute` run on one cluster, even if the ranking chooses it.
 */
import { show } from '../../faults.js';
import { knownOf } from './evaluated.js';
import { hostsOf, isRun, type Node, type Nodes } from './nodes.js';
import { COMPUTE } from './profile.js';
import type { At, Report } from './report.js';
import type { Values } from './values.js';

/** The cluster of a name, or the one that is reached at an address; nothing if there is none. */
export type ClusterAt = (host: string) => string | undefined;

export interface Placement {
  readonly cluster?: string;
  /** P1. Components with the same one run on one cluster. */
  readonly together?: string;
}

export interface PlacementOptions {
  readonly nodes: Nodes;
  readonly values: Values;
  /** Without it, and while an input is not known, no cluster is looked for. */
  readonly clusterAt: ClusterAt | undefined;
  readonly report: Report;
}

/** In this order: the first that is given counts. */
const PLACES = [
  ['attributes', 'host'],
  ['properties', 'host'],
  ['attributes', 'private_address'],
  ['attributes', 'public_address'],
] as const;

/** By node. */
export function placementsOf(options: PlacementOptions): ReadonlyMap<string, Placement> {
  const { nodes } = options;
  const guests = new Map<Node, Node[]>();
  for (const node of nodes.values()) {
    const bottom = hostsOf(nodes, node).at(-1)!;
    guests.set(bottom, [...(guests.get(bottom) ?? []), node]);
  }
  const placements = new Map<string, Placement>();
  for (const [bottom, hosted] of guests) {
    const cluster = bottom.type.chain.includes(COMPUTE) ? clusterOf(bottom, options) : undefined;
    const isShared = cluster === undefined && hosted.filter(isRun).length > 1;
    const placement = {
      ...(cluster !== undefined && { cluster }),
      ...(isShared && { together: bottom.name }),
    };
    for (const { name } of hosted) placements.set(name, placement);
  }
  return placements;
}

function clusterOf(node: Node, options: PlacementOptions): string | undefined {
  for (const [kind, name] of PLACES) {
    const host = hostIn(node, kind, name, options);
    if (host === undefined) continue;
    const { clusterAt, report } = options;
    const cluster = clusterAt?.(host.value);
    if (cluster === undefined && clusterAt)
      report.add(
        host.at,
        'unknown_cluster',
        `${show(host.value)} is neither the name of a cluster nor the address of one`,
      );
    return cluster;
  }
  return undefined;
}

function hostIn(
  node: Node,
  kind: 'attributes' | 'properties',
  name: string,
  { values, report }: PlacementOptions,
): { readonly value: string; readonly at: At } | undefined {
  const written = node[kind].get(name);
  const found = written && values.of(written, node);
  if (written === undefined || found === undefined) return undefined;
  const known = knownOf(found);
  if (known === undefined && found.kind === 'text' && found.isStatic) return undefined;
  if (typeof known?.value === 'string' && known.value !== '') return { value: known.value, at: written.at };
  const message = 'the host has to be known before anything runs: give a text, in quotes, or an input';
  report.unsupported(written.at, message);
  return undefined;
}
