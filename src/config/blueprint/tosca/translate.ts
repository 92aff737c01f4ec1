/**
 * A service template of the TOSCA Simple Profile in YAML, version 1.3, as the blueprint that does the same.
 *
 * T1. Everything that a template says is done, or refused with its path: nothing is skipped.
 * T2. The result is read as any other blueprint is. Faults that are found only there get the paths of the template.
 */
import type { Fault } from '../../../base/errors.js';
import type { Blueprint, Component, ComponentOperation } from '../../../model/blueprint.js';
import { isRecord, type ReadYaml } from '../../yaml/yaml.js';
import { blueprintOf } from '../blueprint-file.js';
import { CapabilityTypes } from './capabilities.js';
import { Layouts, type ListFiles } from './files.js';
import { NodeTypes } from './node-types.js';
import { NODES_AT, type Nodes, nodesOf } from './nodes.js';
import type { ClusterAt } from './placement.js';
import { Relationships } from './relationships.js';
import { type Given, own, pathOf, Report, TooManyFaults } from './report.js';
import { type ReadFile, Templates } from './templates.js';
import { type Extras, Writer } from './writer.js';

export interface TranslateOptions {
  /** The template's own path, from the root of its files. */
  readonly mainFile: string;
  readonly readFile: ReadFile;
  readonly list: ListFiles;
  /** @default only the defaults of inputs are known */
  readonly inputs?: Given | undefined;
  /** @default no cluster is looked for */
  readonly clusterAt?: ClusterAt | undefined;
}

export type Translated =
  | {
      readonly ok: true;
      readonly blueprint: Blueprint;
      /** By path, where it is named: the files that it imports, and those of its operations. */
      readonly files: ReadonlyMap<string, string>;
    }
  | { readonly ok: false; readonly faults: readonly Fault[] };

const TOPOLOGY = ['description', 'inputs', 'node_templates', 'outputs'];
const MAX_NODES = 300;
const MAX_NAME_CHARACTERS = 40;

export async function translate(template: Given, options: TranslateOptions): Promise<Translated> {
  // T1. The report refuses what no reader understands.
  const report = new Report();
  try {
    return await translateInto(report, template, options);
  } catch (thrown) {
    if (thrown instanceof TooManyFaults) return failed(report);
    throw thrown;
  }
}

async function translateInto(
  report: Report,
  template: Given,
  options: TranslateOptions,
): Promise<Translated> {
  const templates = await Templates.read(template, options.mainFile, options.readFile, report);
  if (report.faults.length > 0) return failed(report);
  const topology = report.fields(template.topology_template, ['topology_template'], TOPOLOGY);
  const nodes = readNodes(templates, topology, report);
  // What refers to a node that has a fault would be refused once more for that.
  if (report.faults.length > 0) return failed(report);
  const writer = new Writer({
    ...{ nodes, topology, report, inputs: options.inputs, clusterAt: options.clusterAt },
    layouts: new Layouts(options.mainFile, options.list, report),
  });
  const written = await writer.write();
  if (report.faults.length > 0) return failed(report);
  const value = { blueprint: nameOf(template), ...written.value };
  const parsed = blueprintOf({ ok: true, value } satisfies ReadYaml);
  // T2
  if (!parsed.ok)
    return {
      ok: false,
      faults: parsed.faults.map((fault) => ({ ...fault, path: writer.origin(fault.path) })),
    };
  const files = new Map(written.files);
  for (const [path, at] of templates.imported) files.set(path, pathOf(at));
  return { ok: true, blueprint: withExtras(parsed.blueprint, written.extras), files };
}

function failed({ faults }: Report): Translated {
  return { ok: false, faults };
}

function readNodes(templates: Templates, topology: Given, report: Report): Nodes {
  const count = Object.keys(report.record(topology.node_templates, NODES_AT)).length;
  if (count === 0) report.add(NODES_AT, 'missing_field', 'a template needs at least one node template');
  if (count > MAX_NODES)
    report.add(NODES_AT, 'out_of_range', `${count} are too many: give at most ${MAX_NODES}`);
  if (report.faults.length > 0) return new Map();
  const capabilities = new CapabilityTypes(templates.definitions('capability_types'), report);
  const relationships = new Relationships(templates.definitions('relationship_types'), report);
  const others = { relationships, capabilities };
  const types = new NodeTypes(templates.definitions('node_types'), others, report);
  return nodesOf(topology.node_templates, { types, ...others, report });
}

/** A blueprint's YAML has none of them. */
function withExtras(blueprint: Blueprint, { constraints, components }: Extras): Blueprint {
  const inputs = Object.entries(blueprint.inputs).map(([name, input]) => {
    const own = constraints.get(name) ?? [];
    return [name, own.length > 0 ? { ...input, constraints: own } : input] as const;
  });
  return {
    ...blueprint,
    inputs: Object.fromEntries(inputs),
    components: blueprint.components.map((component) => {
      const { together, attributes, operations } = components.get(component.name)!;
      return {
        ...component,
        ...(together !== undefined && { together }),
        ...(Object.keys(attributes).length > 0 && { attributes }),
        operations: withOperations(component, operations),
      };
    }),
  };
}

function withOperations(
  { operations }: Component,
  extras: Extras['components'] extends ReadonlyMap<string, infer One extends { operations: unknown }>
    ? One['operations']
    : never,
): Component['operations'] {
  return Object.fromEntries(
    Object.entries(operations).map(([name, spec]) => [
      name,
      { ...spec, ...extras.get(name as ComponentOperation) },
    ]),
  );
}

/** That of the template, in the characters that the name of a blueprint may have. */
function nameOf({ metadata }: Given): string {
  const given = isRecord(metadata) ? own(metadata, 'template_name') : undefined;
  const name = typeof given === 'string' ? given.toLowerCase().replace(/[^a-z0-9_-]+/g, '-') : '';
  return /^[a-z]/.test(name) ? name.slice(0, MAX_NAME_CHARACTERS) : 'tosca';
}
