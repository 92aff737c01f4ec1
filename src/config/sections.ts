/** The sections of the configuration file: what no flag and no variable can say. */
import type { Fault } from '../base/errors.js';
import { ClusterSchema, type DeclaredCluster } from './cluster-schema.js';
import { formatPath, issuesToFaults } from './faults.js';
import { type JobType, JobTypeName, JobTypeSchema, type JobTypes } from './job-types.js';
import type { Sections } from './options.js';
import { isRecord } from './yaml.js';

/** By their names in the file. */
export const SECTIONS: readonly string[] = ['clusters', 'job_types'];

/** Adds every fault of theirs. */
export function readSections(values: Readonly<Record<string, unknown>>, faults: Fault[]): Sections {
  return {
    clusters: readClusters(values.clusters, faults),
    jobTypes: readJobTypes(values.job_types, faults),
  };
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

function readJobTypes(raw: unknown, faults: Fault[]): JobTypes {
  const types = new Map<string, JobType>();
  if (raw === undefined || raw === null) return types;
  if (!isRecord(raw)) {
    const message = 'job_types is not an object: give one with an entry for each type';
    faults.push({ path: 'job_types', code: 'bad_value', message });
    return types;
  }
  for (const [name, value] of Object.entries(raw)) {
    const place = formatPath(['job_types', name]);
    const named = JobTypeName.safeParse(name);
    const read = JobTypeSchema.safeParse(value);
    for (const { success, error } of [named, read])
      if (!success) faults.push(...issuesToFaults(error, value).map((fault) => below(place, fault)));
    if (named.success && read.success) types.set(name, read.data);
  }
  return types;
}

function below(place: string, fault: Fault): Fault {
  const path = fault.path === '' ? place : `${place}.${fault.path}`;
  return { ...fault, path, message: `${path}: ${fault.message}` };
}
