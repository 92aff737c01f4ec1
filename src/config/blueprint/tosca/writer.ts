/** Nodes as components, in the form that the YAML of a blueprint has; and all that such a YAML cannot say. */
import {
  COMPONENT_OPERATIONS,
  type Component,
  type ComponentOperation,
  type OperationSpec,
} from '../../../model/blueprint.js';
import type { Constraint } from '../../../model/input-constraints.js';
import { formatPath } from '../../faults.js';
import { knownOf, textOf } from './evaluated.js';
import type { Layouts } from './files.js';
import { isRun, type Node, type Nodes } from './nodes.js';
import type { Operation } from './operations.js';
import { type ClusterAt, type Placement, placementsOf } from './placement.js';
import { type Definition, definitionOf, type ValueType, valueFault } from './properties.js';
import { type At, type Given, pathOf, type Report } from './report.js';
import { Values } from './values.js';

type OperationExtras = Pick<OperationSpec, 'files' | 'typed'>;

export interface ComponentExtras {
  readonly together?: string;
  readonly attributes: NonNullable<Component['attributes']>;
  readonly operations: ReadonlyMap<ComponentOperation, OperationExtras>;
}

export interface Extras {
  /** By input. */
  readonly constraints: ReadonlyMap<string, readonly Constraint[]>;
  /** By component. */
  readonly components: ReadonlyMap<string, ComponentExtras>;
}

export interface Written {
  /** As the YAML of a blueprint has it. */
  readonly value: Given;
  readonly extras: Extras;
  /** By path of a file of the operations, where it is named. */
  readonly files: ReadonlyMap<string, string>;
}

export interface WriterOptions {
  readonly nodes: Nodes;
  readonly topology: Given;
  readonly report: Report;
  readonly layouts: Layouts;
  readonly inputs: Given | undefined;
  readonly clusterAt: ClusterAt | undefined;
}

const INPUTS_AT: At = ['topology_template', 'inputs'];
const OUTPUTS_AT: At = ['topology_template', 'outputs'];
const INPUT_TYPES = {
  string: 'string',
  integer: 'integer',
  float: 'number',
  boolean: 'boolean',
  list: 'json',
  map: 'json',
} as const satisfies Record<ValueType, string>;

export class Writer {
  readonly #options: WriterOptions;
  readonly #report: Report;
  readonly #names: ReadonlyMap<string, string>;
  readonly #definitions: ReadonlyMap<string, Definition>;
  readonly #values: Values;
  readonly #extras = new Map<string, ComponentExtras>();
  readonly #files = new Map<string, string>();
  /** By path in the blueprint, the path in the template. */
  readonly #origins = new Map<string, string>();

  constructor(options: WriterOptions) {
    const { nodes, topology, report, inputs } = options;
    this.#options = options;
    this.#report = report;
    this.#names = componentNames(nodes, report);
    this.#definitions = new Map(
      Object.entries(report.record(topology.inputs, INPUTS_AT)).map(([name, value]) => [
        name,
        definitionOf(value, [...INPUTS_AT, name], report),
      ]),
    );
    const definitions = this.#definitions;
    this.#values = new Values({ nodes, definitions, inputs, components: this.#names, report });
  }

  async write(): Promise<Written> {
    const { nodes, clusterAt } = this.#options;
    const inputs = this.#inputs();
    const placements = placementsOf({ nodes, values: this.#values, clusterAt, report: this.#report });
    const components: [string, Given][] = [];
    for (const node of nodes.values())
      components.push([this.#names.get(node.name)!, await this.#component(node, placements.get(node.name)!)]);
    const value = { inputs, components: Object.fromEntries(components), outputs: this.#outputs() };
    const constraints = new Map(
      [...this.#definitions].map(([name, one]) => [name, [...shapeOf(one.type), ...one.constraints]]),
    );
    return { value, extras: { constraints, components: this.#extras }, files: this.#files };
  }

  /** The path in the template of one in the blueprint; if it is not known, that of the nearest one around it. */
  origin(path: string): string {
    for (let at = path; at !== ''; at = at.replace(/(\.[^.[\]]*|\[[^\]]*\]|^[^.[\]]*)$/, '')) {
      const found = this.#origins.get(at);
      if (found !== undefined) return found;
    }
    return path === 'blueprint' ? 'metadata.template_name' : 'topology_template';
  }

  #inputs(): Given {
    return Object.fromEntries(
      [...this.#definitions].map(([name, definition]) => {
        const here = [...INPUTS_AT, name];
        this.#note(['inputs', name], here);
        const { type, required, default: given, description, at } = definition;
        const fault = given === undefined ? undefined : valueFault(definition, given);
        if (fault !== undefined) this.#report.add(at, 'wrong_type', fault);
        if (given === undefined && !required)
          this.#report.unsupported([...here, 'required'], 'an input that is not required needs a default');
        const rest = {
          ...(given !== undefined && { default: given }),
          ...(description !== undefined && { description }),
        };
        return [name, { type: INPUT_TYPES[type], ...rest }] as const;
      }),
    );
  }

  async #component(node: Node, { cluster, together }: Placement): Promise<Given> {
    const name = this.#names.get(node.name)!;
    this.#note(['components', name], node.at);
    for (const [index, { at }] of node.requirements.entries())
      this.#note(['components', name, 'after', index], at);
    for (const [property, written] of node.properties)
      this.#values.defined(written, node.type.properties.get(property)!, node);
    const attributes = this.#attributes(node);
    const operations = new Map<ComponentOperation, OperationExtras>();
    const written: [string, Given][] = [];
    for (const operation of COMPONENT_OPERATIONS) {
      const spec = node.operations.get(operation);
      const one = spec && (await this.#operation(spec, ['components', name, 'operations', operation], node));
      if (one === undefined) continue;
      written.push([operation, one.value]);
      operations.set(operation, one.extras);
    }
    this.#extras.set(name, { attributes, operations, ...(together !== undefined && { together }) });
    return {
      ...(cluster !== undefined && { cluster }),
      operations: Object.fromEntries(written),
      after: node.requirements.map(({ target }) => this.#names.get(target)!),
    };
  }

  /** Their values before any operation has run. */
  #attributes(node: Node): NonNullable<Component['attributes']> {
    const attributes: Record<string, unknown> = {};
    for (const [name, written] of node.attributes) {
      const found = this.#values.defined(written, node.type.attributes.get(name)!, node);
      if (found === undefined) continue;
      const known = knownOf(found);
      if (known) attributes[name] = known.value;
      else if (isRun(node) && found.kind === 'text' && !found.isStatic)
        this.#report.unsupported(
          written.at,
          `the attribute ${name} of ${node.name} depends on others, and operations of ${node.name} may write it as well`,
        );
    }
    return attributes;
  }

  async #operation(
    operation: Operation,
    path: readonly PropertyKey[],
    node: Node,
  ): Promise<{ readonly value: Given; readonly extras: OperationExtras } | undefined> {
    const { at, primary, inputs } = operation;
    if (primary === undefined) return undefined;
    this.#note(path, primary.at);
    const layout = await this.#options.layouts.of(primary, operation);
    const values: Record<string, string> = {};
    const typed: string[] = [];
    for (const [name, { definition, assigned, at: place }] of inputs) {
      this.#note([...path, 'inputs', name], place);
      if (assigned === undefined) {
        if (definition?.required !== false)
          this.#report.add(place, 'missing_field', `the input ${name} of ${pathOf(at)} has no value`);
        continue;
      }
      const found = definition
        ? this.#values.defined(assigned, definition, node)
        : this.#values.of(assigned, node);
      if (found === undefined) continue;
      values[name] = textOf(found);
      const isText = definition ? definition.type === 'string' : typeof knownOf(found)?.value === 'string';
      if (!isText && (definition || knownOf(found))) typed.push(name);
    }
    if (layout === undefined) return undefined;
    const { script, files, named } = layout;
    for (const [file, { at: place }] of named)
      if (!this.#files.has(file)) this.#files.set(file, pathOf(place));
    return { value: { script, inputs: values }, extras: { files, ...(typed.length > 0 && { typed }) } };
  }

  #outputs(): Given {
    const report = this.#report;
    const outputs = Object.entries(report.record(this.#options.topology.outputs, OUTPUTS_AT));
    return Object.fromEntries(
      outputs.flatMap(([name, given]) => {
        const here = [...OUTPUTS_AT, name];
        this.#note(['outputs', name], here);
        const { value, type } = report.fields(given, here, ['description', 'type', 'value']);
        if (type !== undefined) definitionOf({ type }, here, report);
        if (value === undefined) {
          report.add(here, 'missing_field', `${pathOf(here)} has no value`);
          return [];
        }
        const found = this.#values.of({ value, at: [...here, 'value'] }, undefined);
        return found ? [[name, textOf(found)] as const] : [];
      }),
    );
  }

  #note(path: readonly PropertyKey[], at: At): void {
    this.#origins.set(formatPath(path), pathOf(at));
  }
}

/** A blueprint's inputs of type `json` are lists, objects or anything else. */
function shapeOf(type: ValueType): Constraint[] {
  return type === 'list' || type === 'map' ? [{ name: 'is', limit: type }] : [];
}

/** By node. Components have lower-case names. */
function componentNames(nodes: Nodes, report: Report): ReadonlyMap<string, string> {
  const taken = new Map<string, string>();
  for (const { name, at } of nodes.values()) {
    const lower = name.toLowerCase();
    const other = taken.get(lower);
    if (other !== undefined) {
      const message = `${name} and ${other} differ only in capitals: give one of them another name`;
      report.add(at, 'name_taken', message);
    }
    taken.set(lower, name);
  }
  return new Map([...taken].map(([lower, name]) => [name, lower]));
}
