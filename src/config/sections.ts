/** The sections of the configuration file: what no flag and no variable can say. */
import type { z } from 'zod';
import type { Fault } from '../base/errors.js';
import { formatPath, issuesToFaults } from './faults.js';
import { ClusterSchema } from './forms/cluster-schema.js';
import { type JobType, JobTypeName, JobTypeSchema, type JobTypes } from './forms/job-types.js';
import { WebhookSchema } from './forms/webhook-schema.js';
import type { Sections } from './options.js';
import { isRecord } from './yaml/yaml.js';

/** By their names in the file. */
export const SECTIONS: readonly string[] = ['clusters', 'webhooks', 'job_types'];

/** Adds every fault of theirs. */
export function readSections(values: Readonly<Record<string, unknown>>, faults: Fault[]): Sections {
  return {
    clusters: readNamed(values.clusters, faults, {
      ...{ list: 'clusters', example: '{ name: hpc, type: slurm }' },
      read: (item) => ClusterSchema.safeParse(item),
      shown: (item) => item,
    }),
    webhooks: readNamed(values.webhooks, faults, {
      ...{ list: 'webhooks', example: '{ name: chat, url: https://chat.example/hook }' },
      read: (item) => WebhookSchema.safeParse(item),
      shown: withoutSecrets,
    }),
    jobTypes: readJobTypes(values.job_types, faults),
  };
}

interface Named<T> {
  /** In the file. */
  readonly list: string;
  readonly example: string;
  readonly read: (item: unknown) => z.ZodSafeParseResult<T>;
  /** The part of it that messages may repeat. */
  readonly shown: (item: unknown) => unknown;
}

/** A list of what has a name, each another one. */
function readNamed<T extends { readonly name: string }>(
  raw: unknown,
  faults: Fault[],
  { list, example, read: readOne, shown }: Named<T>,
): readonly T[] {
  if (raw === undefined || raw === null) return [];
  if (!Array.isArray(raw)) {
    const message = `${list} is not a list: give a list of ${list}, like [${example}]`;
    faults.push({ path: list, code: 'bad_value', message });
    return [];
  }
  const items: T[] = [];
  for (const [index, item] of raw.entries()) {
    const read = readOne(item);
    const place = `${list}[${index}]`;
    if (!read.success) {
      faults.push(...issuesToFaults(read.error, shown(item)).map((fault) => below(place, fault)));
    } else if (items.some(({ name }) => name === read.data.name)) {
      const message = `there are two ${list} ${read.data.name}`;
      faults.push({ path: `${place}.name`, code: 'duplicate', message });
    } else items.push(read.data);
  }
  return Object.freeze(items);
}

/** A webhook whose address and secret, where there are any, are left out. */
function withoutSecrets(item: unknown): unknown {
  if (!isRecord(item)) return item;
  const hidden = ['url', 'secret'].filter((field) => item[field] !== undefined);
  return { ...item, ...Object.fromEntries(hidden.map((field) => [field, 'this text'])) };
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
