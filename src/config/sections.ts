/** The sections of the configuration file: what no flag and no variable can say. */
import type { Fault } from '../base/errors.js';
import { ClusterSchema, type DeclaredCluster } from './cluster-schema.js';
import { issuesToFaults } from './faults.js';
import type { Sections } from './options.js';

/** By their names in the file. */
export const SECTIONS: readonly string[] = ['clusters'];

/** Adds every fault of theirs. */
export function readSections(values: Readonly<Record<string, unknown>>, faults: Fault[]): Sections {
  return Object.freeze({ clusters: readClusters(values.clusters, faults) });
}

function readClusters(raw: unknown, faults: Fault[]): readonly DeclaredCluster[] {
  if (raw === undefined || raw === null) return [];
  if (!Array.isArray(raw)) {
    const message = 'clusters is not a list: give a list of clusters, like [{ name: hpc, type: slurm }]';
    faults.push({ path: 'clusters', code: 'bad_value', message });
    return [];
  }
  const clusters: DeclaredCluster[] = [];
  for (const [index, item] of raw.entries()) {
    const read = ClusterSchema.safeParse(item);
    const place = `clusters[${index}]`;
    if (!read.success) {
      faults.push(...issuesToFaults(read.error, item).map((fault) => below(place, fault)));
    } else if (clusters.some(({ name }) => name === read.data.name)) {
      const message = `there are two clusters ${read.data.name}`;
      faults.push({ path: `${place}.name`, code: 'duplicate', message });
    } else clusters.push(read.data);
  }
  return Object.freeze(clusters);
}

function below(place: string, fault: Fault): Fault {
  const path = fault.path === '' ? place : `${place}.${fault.path}`;
  return { ...fault, path, message: `${path}: ${fault.message}` };
}
