/** A blueprint as a request brings it, with its inputs and its files: everything that deploys, updates or compares one asks here. */
import { Readable } from 'node:stream';
import { type Fault, messageOf, summaryOf } from '../../base/errors.js';
import { canonicalJson } from '../../base/json/canonical.js';
import { SHA256, sha256Of } from '../../base/sha256.js';
import { type Blueprint, filesOfBlueprint } from '../../model/blueprint.js';
import {
  type Beside,
  type BlueprintSource,
  type Content,
  MAX_CSAR_BYTES,
  type ReadBlueprint,
} from '../../model/blueprint-source.js';
import { LOCAL_CLUSTER } from '../../model/cluster.js';
import type { DeploymentPlan } from '../../model/deployment.js';
import { MAX_GRAPH_BYTES } from '../../model/graph.js';
import { pathWithin } from '../../model/run.js';
import type { State } from '../core/state.js';
import { missingFiles } from '../core/tasks/graph-files.js';
import type { Blobs, Refusal } from '../port.js';
import { refusal } from '../refusal.js';
import { fileFaults, hiddenFiles, type SeesBlob } from './named-files.js';

/** As for graphs. */
export type BlueprintReader = (source: BlueprintSource) => Promise<ReadBlueprint>;

export interface PrepareBlueprintDeps extends SeesBlob {
  readonly state: Pick<State, 'clusters'>;
  readonly blobs: Pick<Blobs, 'put' | 'open'>;
  readonly readBlueprint: BlueprintReader;
}

/** One of `blueprint` and `csar`. */
export interface AskedBlueprint {
  /** YAML. */
  readonly blueprint?: string;
  /** The SHA-256 of a stored blob. */
  readonly csar?: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** By path beside the blueprint, the SHA-256 of a stored blob: of each file that it names. A CSAR has its own. */
  readonly files: Readonly<Record<string, string>>;
  /** Of an update: inputs that are not given keep their values, and follow the defaults where they had them. @default nothing is kept */
  readonly former?: Pick<DeploymentPlan, 'blueprint' | 'inputs'>;
}

export interface PreparedBlueprint {
  readonly ok: true;
  readonly blueprint: Blueprint;
  /** With the defaults. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Of its operations: all of them are stored. */
  readonly files: Readonly<Record<string, string>>;
}

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

export async function prepareBlueprint(
  deps: PrepareBlueprintDeps,
  asked: AskedBlueprint,
): Promise<PreparedBlueprint | Refusal> {
  const content = await contentOf(deps, asked);
  if ('ok' in content) return content;
  const known = asked.former && (await deps.readBlueprint({ content }));
  const kept = known?.ok ? keptInputs(asked.former!, known.blueprint) : {};
  const inputs = { ...kept, ...asked.inputs };
  const clusterAt = (host: string): string | undefined => clusterOf(deps.state, host);
  const read = await deps.readBlueprint({ content, inputs, clusterAt });
  if (!read.ok) return read.of === 'inputs' ? inputFaults(read.faults) : blueprintFaults(read.faults);
  const found = content.kind === 'csar' ? await unpack(deps, read) : await compare(deps, read, asked.files);
  if (!found.ok) return found;
  return { ok: true, blueprint: read.blueprint, inputs: read.inputs, files: found.files };
}

/** Inputs keep their values; those that had the default follow it. */
function keptInputs(
  was: Pick<DeploymentPlan, 'blueprint' | 'inputs'>,
  next: Blueprint,
): Record<string, unknown> {
  const kept = Object.entries(was.inputs).filter(([name, value]) => {
    const before = was.blueprint.inputs[name]?.default;
    const isDefault = before !== undefined && canonicalJson(before) === canonicalJson(value);
    return !isDefault && Object.hasOwn(next.inputs, name);
  });
  return Object.fromEntries(kept);
}

async function contentOf(
  deps: PrepareBlueprintDeps,
  { blueprint, csar, files }: AskedBlueprint,
): Promise<BlueprintSource['content'] | Refusal> {
  const refuse = (path: string, code: string, message: string): Refusal =>
    blueprintFaults([{ path, code, message }]);
  if (blueprint !== undefined && csar !== undefined)
    return refuse('/csar', 'duplicate', 'give blueprint or csar, not both');
  if (blueprint !== undefined) return { kind: 'yaml', yaml: blueprint, beside: new StoredFiles(deps, files) };
  if (csar === undefined)
    return refuse('/blueprint', 'missing_field', 'give blueprint, or csar with the SHA-256 of a stored blob');
  if (Object.keys(files).length > 0)
    return refuse('/files', 'not_with_csar', 'a CSAR has its own files: leave files out');
  if (!SHA256.test(csar)) return refuse('/csar', 'bad_sha256', 'give 64 hexadecimal digits, lower case');
  const found = await readBlob(deps, csar, MAX_CSAR_BYTES);
  return found.ok ? { kind: 'csar', bytes: found.bytes } : refuse('/csar', found.code, found.message);
}

/** The cluster of a name, or the one whose commands are run at an address. */
function clusterOf({ clusters }: Pick<State, 'clusters'>, host: string): string | undefined {
  if (clusters.has(host)) return host;
  const reached = [...clusters.values()].find((cluster) => cluster.host === host);
  if (reached) return reached.name;
  return LOOPBACK.includes(host) && clusters.has(LOCAL_CLUSTER) ? LOCAL_CLUSTER : undefined;
}

type Read = Extract<ReadBlueprint, { ok: true }>;
type Found = Pick<PreparedBlueprint, 'ok' | 'files'> | Refusal;

/** The files of a request are those that the blueprint names, and no others. */
async function compare(
  deps: PrepareBlueprintDeps,
  { blueprint, files: named }: Read,
  given: Readonly<Record<string, string>>,
): Promise<Found> {
  const unfit = fileFaults({ named, given, field: 'files', by: 'the blueprint' });
  if (unfit.length > 0) return blueprintFaults(unfit);
  const hidden = await hiddenFiles(deps, given);
  if (hidden.length > 0) return missingFiles(hidden, 'bad_blueprint');
  const needed = [...filesOfBlueprint(blueprint).keys()];
  return { ok: true, files: Object.fromEntries(needed.map((path) => [path, given[path]!])) };
}

/** The files of the operations become blobs. One after the other: no more than one of them is in memory. */
async function unpack(
  { blobs }: PrepareBlueprintDeps,
  { blueprint, beside, files: named }: Read,
): Promise<Found> {
  const files: Record<string, string> = {};
  const faults: Fault[] = [];
  for (const path of filesOfBlueprint(blueprint).keys()) {
    const content = await beside.read(path);
    if (!content.ok) {
      faults.push({ path: named.get(path) ?? path, code: content.code, message: content.message });
      continue;
    }
    const sha256 = sha256Of(content.bytes);
    const put = await blobs.put(sha256, Readable.from([content.bytes]));
    if (!put.ok) return put;
    files[path] = sha256;
  }
  return faults.length > 0 ? blueprintFaults(faults) : { ok: true, files };
}

/** Files that are stored as blobs, for a template that imports some of them. */
class StoredFiles implements Beside {
  readonly #deps: PrepareBlueprintDeps;
  readonly #files: ReadonlyMap<string, string>;

  constructor(deps: PrepareBlueprintDeps, files: Readonly<Record<string, string>>) {
    this.#deps = deps;
    // Others are refused as files that nothing names.
    this.#files = new Map(Object.entries(files).filter(([path]) => pathWithin(path) === path));
  }

  async read(path: string): Promise<Content> {
    const sha256 = this.#files.get(path);
    if (sha256 !== undefined) return readBlob(this.#deps, sha256, MAX_GRAPH_BYTES);
    const message = `the file ${path} is missing: upload it as a blob, and give its SHA-256 in files`;
    return { ok: false, code: 'missing_file', message };
  }

  async list(path: string): Promise<readonly string[]> {
    const below = [...this.#files.keys()].filter((one) => one.startsWith(`${path}/`));
    return this.#files.has(path) || below.length === 0 ? [path] : below;
  }
}

async function readBlob(
  { sees, blobs }: PrepareBlueprintDeps,
  sha256: string,
  maxBytes: number,
): Promise<Content> {
  if (!SHA256.test(sha256) || !(await sees(sha256)))
    return { ok: false, code: 'unknown_blob', message: `no blob ${sha256} is stored` };
  const blob = await blobs.open(sha256);
  if ('ok' in blob) {
    const code = blob.kind === 'not_found' ? 'unknown_blob' : blob.code;
    return { ok: false, code, message: blob.message };
  }
  if (blob.size > maxBytes) {
    await blob.close();
    return {
      ok: false,
      code: 'too_large',
      message: `it has ${blob.size} bytes, expected at most ${maxBytes}`,
    };
  }
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of blob.read()) pieces.push(piece as Uint8Array);
    return { ok: true, bytes: Buffer.concat(pieces) };
  } catch (thrown) {
    return { ok: false, code: 'blob_damaged', message: messageOf(thrown) };
  }
}

function blueprintFaults(faults: readonly Fault[]): Refusal {
  const message = `the blueprint is invalid: ${summaryOf(faults)}`;
  return refusal('invalid', 'bad_blueprint', message, { details: faults });
}

function inputFaults(faults: readonly Fault[]): Refusal {
  const message = `the inputs are invalid: ${summaryOf(faults)}`;
  return refusal('invalid', 'bad_inputs', message, { details: faults });
}
