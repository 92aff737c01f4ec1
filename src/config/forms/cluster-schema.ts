/** A cluster as people declare it, over HTTP and in the configuration file. */
import { z } from 'zod';
import {
  AGENT_KINDS,
  CLUSTER_STATUSES,
  CLUSTER_TYPES,
  type Cluster,
  type ClusterType,
} from '../../model/cluster.js';
import { ClusterResourcesSchema } from '../resources.js';
import { strict } from '../strict.js';

/** Below the home of the user that commands run as. */
const WORKDIR = '~/.tutti/work';
/** A batch engine queues what does not fit. */
const SLOTS: Readonly<Record<ClusterType, number>> = { local: 1, ssh: 1, slurm: 16, torque: 16 };
const MAX_SLOTS = 100_000;
/** A hello may carry 64 labels; the cluster's name and its engine are two of them. */
const MAX_LABELS = 62;

const NAME = 'give a name of lower-case letters, digits, - and _, beginning with a letter, at most 63 long';
const HOST = 'give a host name or an address';
const PORT = 'give a port from 1 to 65535';
const USER = 'give a login name';
const HOST_KEY = "give a line in OpenSSH's format, like ssh-ed25519 AAAA…";
const PATH = 'give a path without line breaks';
const SLOTS_RULE = `give a whole number from 1 to ${MAX_SLOTS}`;
const LABELS = 'give an object of texts, like { gpu: "true" }';
const LABEL = 'give a text of at most 256 characters';

const path = z
  .string({ error: PATH })
  .min(1, { error: PATH })
  .max(4096, { error: PATH })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  .regex(/^[^\0-\x1f\x7f]*$/, { error: PATH });

/** `ssh-ed25519 AAAA… comment`, as `ssh-keyscan` prints it behind the host. */
const KEY_LINE =
  /^(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521)|sk-[a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})(?: [^\0\r\n]*)?$/;

/** The blob begins with the name of its own algorithm. */
function isKeyLine(line: string): boolean {
  const blob = KEY_LINE.exec(line)?.[1];
  if (blob === undefined || blob.length % 4 !== 0) return false;
  const bytes = Uint8Array.from(atob(blob), (character) => character.charCodeAt(0));
  const name = new TextEncoder().encode(line.slice(0, line.indexOf(' ')));
  const length = bytes.length < 4 ? -1 : new DataView(bytes.buffer).getUint32(0);
  return (
    length === name.length && name.every((byte, at) => bytes[4 + at] === byte) && bytes.length > 4 + length
  );
}

const slots = z
  .int({ error: SLOTS_RULE })
  .min(1, { error: SLOTS_RULE })
  .max(MAX_SLOTS, { error: SLOTS_RULE });
const status = z.enum(CLUSTER_STATUSES, { error: `give one of ${CLUSTER_STATUSES.join(', ')}` });
const labels = z
  .record(
    z.string().min(1, { error: LABEL }).max(256, { error: LABEL }),
    z.string({ error: LABEL }).max(256, { error: LABEL }),
    { error: LABELS },
  )
  .superRefine((given, context) => {
    for (const name of ['cluster', 'engine']) {
      if (!Object.hasOwn(given, name)) continue;
      const message = `${name} is a label that every cluster has already`;
      context.addIssue({ code: 'custom', path: [name], message });
    }
    if (Object.keys(given).length <= MAX_LABELS) return;
    context.addIssue({ code: 'custom', message: `give at most ${MAX_LABELS} labels` });
  });

/** The declaration of a cluster; its status may be absent. */
export type DeclaredCluster = Omit<Cluster, 'status' | 'createdAt'> & { readonly status?: Cluster['status'] };

export const ClusterName: z.ZodString = z
  .string({ error: NAME })
  .regex(/^[a-z][a-z0-9_-]{0,62}$/, { error: NAME });

const shape = {
  name: ClusterName,
  type: z
    .enum(CLUSTER_TYPES, { error: `give one of ${CLUSTER_TYPES.join(', ')}` })
    .describe('The engine: local and ssh start processes, slurm and torque submit batch jobs'),
  status: status.exactOptional().describe('Default active'),
  host: z
    .string({ error: HOST })
    .regex(/^[A-Za-z0-9[][A-Za-z0-9.:_[\]-]{0,252}$/, { error: HOST })
    .exactOptional()
    .describe("Reached over OpenSSH; without it, the agent's own machine"),
  port: z.int({ error: PORT }).min(1, { error: PORT }).max(65_535, { error: PORT }).exactOptional(),
  user: z
    .string({ error: USER })
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$/, { error: USER })
    .exactOptional(),
  host_key: z
    .string({ error: HOST_KEY })
    .max(8192, { error: HOST_KEY })
    .refine(isKeyLine, { error: HOST_KEY })
    .exactOptional()
    .describe("The only key of the host that is accepted, in OpenSSH's format"),
  identity: path.exactOptional().describe("The key to log in with: a path on the agent's machine"),
  workdir: path.exactOptional().describe(`Where working folders are made; default ${WORKDIR}`),
  slots: slots.exactOptional().describe('Executions at the same time; default 1, of slurm and torque 16'),
  resources: ClusterResourcesSchema.exactOptional().describe('Default: detected by the agent'),
  labels: labels.exactOptional().describe('cluster=<name> and engine=<type> are added'),
  agent: z
    .enum(AGENT_KINDS, { error: `give one of ${AGENT_KINDS.join(', ')}` })
    .exactOptional()
    .describe('managed (default): the orchestrator keeps it running; remote: you start it yourself'),
};

/** Fields that only a cluster with a host has. */
const OF_HOST = ['port', 'user', 'host_key', 'identity'] as const;

export const ClusterSchema: z.ZodType<DeclaredCluster> = strict(
  shape,
  'give an object with at least name and type',
)
  .superRefine((given, context) => {
    const fault = (field: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [field], message });
    if (given.type === 'ssh' && given.host === undefined) fault('host', 'is needed where type is ssh');
    if (given.type === 'local' && given.host !== undefined)
      fault('host', 'a local cluster is on the agent’s own machine: give type ssh');
    else if (given.host === undefined) {
      for (const field of OF_HOST) if (given[field] !== undefined) fault(field, 'needs a host');
    }
  })
  .transform(({ host_key: hostKey, ...given }) => ({
    ...given,
    ...(hostKey !== undefined && { hostKey }),
    workdir: given.workdir ?? WORKDIR,
    slots: given.slots ?? SLOTS[given.type],
    labels: given.labels ?? {},
    agent: given.agent ?? 'managed',
  }));

/** The fields of a cluster that can be changed. */
export const ClusterChangeSchema: z.ZodType<Partial<Pick<Cluster, 'status' | 'slots' | 'labels'>>> = strict(
  {
    status: status.exactOptional(),
    slots: slots.exactOptional(),
    labels: labels.exactOptional().describe('All labels; they replace the existing ones'),
  },
  'give an object, like { status: draining }',
);
