/** The types of the TOSCA Simple Profile, version 1.3, that are supported. */

export interface ProfileNodeType {
  readonly derivedFrom?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly attributes?: readonly string[];
  /** By name, the type. */
  readonly capabilities?: Readonly<Record<string, string>>;
  readonly requirements?: Readonly<Record<string, ProfileRequirement>>;
}

export interface ProfileRequirement {
  readonly capability: string;
  readonly relation: Relation;
  readonly occurrences: readonly [number, number];
}

export const RELATIONS = ['HostedOn', 'DependsOn', 'ConnectsTo'] as const;
export type Relation = (typeof RELATIONS)[number];

const PREFIXES = {
  node: 'tosca.nodes.',
  relationship: 'tosca.relationships.',
  capability: 'tosca.capabilities.',
};

/** A name in full: the profile also knows `Compute` and `tosca:Compute`. */
export function fullName(kind: keyof typeof PREFIXES, name: string, known: ReadonlySet<string>): string {
  if (known.has(name)) return name;
  const full = PREFIXES[kind] + name.replace(/^tosca:/, '');
  return known.has(full) ? full : name;
}

export const ROOT = 'tosca.nodes.Root';
export const COMPUTE = 'tosca.nodes.Compute';

const text = { type: 'string', required: false };
const number = { type: 'integer', required: false };
const hostedOn = (capability: string, least: 0 | 1): Readonly<Record<string, ProfileRequirement>> => ({
  host: { capability, relation: 'HostedOn', occurrences: [least, 1] },
});
const SOFTWARE = 'tosca.nodes.SoftwareComponent';
const CONTAINER = 'tosca.capabilities.Compute';

/** `host` of a Compute is Tutti's: the name of a cluster, or the address that the cluster is reached at. */
export const NODE_TYPES: Readonly<Record<string, ProfileNodeType>> = {
  [ROOT]: {
    capabilities: { feature: 'tosca.capabilities.Node' },
    requirements: {
      dependency: {
        capability: 'tosca.capabilities.Node',
        relation: 'DependsOn',
        occurrences: [0, Number.POSITIVE_INFINITY],
      },
    },
  },
  [COMPUTE]: {
    derivedFrom: ROOT,
    properties: { host: text },
    attributes: ['host', 'private_address', 'public_address'],
    capabilities: {
      host: CONTAINER,
      endpoint: 'tosca.capabilities.Endpoint.Admin',
      os: 'tosca.capabilities.OperatingSystem',
    },
  },
  [SOFTWARE]: {
    derivedFrom: ROOT,
    properties: { component_version: text },
    requirements: hostedOn(CONTAINER, 0),
  },
  'tosca.nodes.WebServer': {
    derivedFrom: SOFTWARE,
    capabilities: {
      data_endpoint: 'tosca.capabilities.Endpoint',
      admin_endpoint: 'tosca.capabilities.Endpoint.Admin',
      host: CONTAINER,
    },
  },
  'tosca.nodes.WebApplication': {
    derivedFrom: ROOT,
    properties: { context_root: text },
    capabilities: { app_endpoint: 'tosca.capabilities.Endpoint' },
    requirements: hostedOn(CONTAINER, 1),
  },
  'tosca.nodes.DBMS': {
    derivedFrom: SOFTWARE,
    properties: { root_password: text, port: number },
    capabilities: { host: CONTAINER },
  },
  'tosca.nodes.Database': {
    derivedFrom: ROOT,
    properties: { name: { type: 'string' }, port: number, user: text, password: text },
    capabilities: { database_endpoint: 'tosca.capabilities.Endpoint.Database' },
    requirements: hostedOn(CONTAINER, 1),
  },
};

/** By name, the type that it derives from. */
export const CAPABILITY_TYPES: ReadonlyMap<string, string | undefined> = new Map([
  ['tosca.capabilities.Root', undefined],
  ['tosca.capabilities.Node', 'tosca.capabilities.Root'],
  ['tosca.capabilities.Container', 'tosca.capabilities.Root'],
  ['tosca.capabilities.Compute', 'tosca.capabilities.Container'],
  ['tosca.capabilities.OperatingSystem', 'tosca.capabilities.Root'],
  ['tosca.capabilities.Endpoint', 'tosca.capabilities.Root'],
  ['tosca.capabilities.Endpoint.Admin', 'tosca.capabilities.Endpoint'],
  ['tosca.capabilities.Endpoint.Public', 'tosca.capabilities.Endpoint'],
  ['tosca.capabilities.Endpoint.Database', 'tosca.capabilities.Endpoint'],
]);
