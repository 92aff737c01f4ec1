/** Templates as tests write them: what matters, without the lines that are always the same. */
import { readBlueprint } from '../../../../src/config/blueprint/deployable.js';
import { readYaml } from '../../../../src/config/yaml/yaml.js';
import type { Blueprint, Component } from '../../../../src/model/blueprint.js';
import type { BlueprintSource, ReadBlueprint } from '../../../../src/model/blueprint-source.js';

export interface Given {
  /** By path, the content of files beside the template. */
  readonly files?: Readonly<Record<string, string>>;
  /** @default the version that is supported */
  readonly head?: string;
  readonly inputs?: NonNullable<BlueprintSource['inputs']>;
  readonly clusterAt?: NonNullable<BlueprintSource['clusterAt']>;
}

const HEAD = 'tosca_definitions_version: tosca_simple_yaml_1_3\n';

export function readTemplate(
  yaml: string,
  { files = {}, head = HEAD, ...source }: Given = {},
): Promise<ReadBlueprint> {
  const beside = {
    read: async (path: string) => {
      const text = files[path];
      if (text === undefined) return { ok: false, code: 'missing_file', message: 'not there' } as const;
      return { ok: true, bytes: Buffer.from(text) } as const;
    },
    list: async (path: string) => {
      const below = Object.keys(files).filter((one) => one.startsWith(`${path}/`));
      return below.length > 0 ? below : [path];
    },
  };
  return readBlueprint(
    { ...source, content: { kind: 'yaml', yaml: head + yaml, beside } },
    { readYaml: async (text) => readYaml(text) },
  );
}

export async function blueprintOf(yaml: string, given: Given = {}): Promise<Blueprint> {
  const read = await readTemplate(yaml, given);
  if (!read.ok) throw new Error(JSON.stringify(read.faults, null, 1));
  return read.blueprint;
}

export async function componentOf(yaml: string, name: string, given: Given = {}): Promise<Component> {
  const { components } = await blueprintOf(yaml, given);
  return components.find((one) => one.name === name)!;
}

/** `path code` of each fault. */
export async function faultsOf(yaml: string, given: Given = {}): Promise<string[]> {
  const read = await readTemplate(yaml, given);
  return read.ok ? [] : read.faults.map(({ path, code }) => `${path} ${code}`);
}

/** A topology of node templates, each a line of flow YAML. */
export function topology(nodes: Readonly<Record<string, string>>, more = ''): string {
  const lines = Object.entries(nodes).map(([name, node]) => `    ${name}: ${node}\n`);
  return `topology_template:\n  node_templates:\n${lines.join('')}${more}`;
}
