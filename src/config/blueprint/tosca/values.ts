/**
 * Evaluates the values of a template.
 *
 * V1. All values of a template take at most `MAX_STEPS` steps, and none is longer than `MAX_CHARACTERS` or comes through more than `MAX_DEPTH`
 *     others: properties that name each other could otherwise double with each line.
 * V2. A value that is refused is `undefined`, and the report says why.
 */
import { INPUTS_NAME, valueAt } from '../../../model/blueprint.js';
import { show } from '../../faults.js';
import type { Written } from './artifacts.js';
import {
  type Evaluated,
  FUNCTIONS,
  functionIn,
  knownOf,
  pathOf,
  printed,
  reference,
  textOf,
} from './evaluated.js';
import { hostsOf, isRun, type Node, type Nodes, reached } from './nodes.js';
import { type Definition, type Schema, valueFault } from './properties.js';
import type { At, Given, Report } from './report.js';

const MAX_STEPS = 50_000;
const MAX_DEPTH = 40;
const MAX_CHARACTERS = 16_384;
const SELF = 'SELF';
const HOST = 'HOST';

type Kind = 'properties' | 'attributes';

interface Within {
  /** Nothing in the outputs, where `SELF` and `HOST` have no meaning. */
  readonly self: Node | undefined;
  /** Values that are being evaluated: one that comes again depends on itself. */
  readonly open: readonly Written[];
}

export interface ValuesOptions {
  readonly nodes: Nodes;
  readonly definitions: ReadonlyMap<string, Definition>;
  /** Those of the deployment. Without them, only the defaults are known. */
  readonly inputs: Given | undefined;
  /** By node, the name of its component. */
  readonly components: ReadonlyMap<string, string>;
  readonly report: Report;
}

export class Values {
  readonly #options: ValuesOptions;
  readonly #reached = new Map<Node, ReadonlySet<string>>();
  #steps = 0;

  constructor(options: ValuesOptions) {
    this.#options = options;
  }

  of(written: Written, self: Node | undefined): Evaluated | undefined {
    return this.#of(written, { self, open: [] });
  }

  /** A value that is known before anything runs is compared with its definition. */
  defined(written: Written, schema: Schema, self: Node): Evaluated | undefined {
    const evaluated = this.of(written, self);
    const known = evaluated && knownOf(evaluated);
    const fault = known && valueFault(schema, known.value);
    return fault === undefined ? evaluated : this.#refuse(written.at, 'wrong_type', fault);
  }

  #of(written: Written, within: Within): Evaluated | undefined {
    const { value, at } = written;
    // V1
    if (++this.#steps > MAX_STEPS)
      return this.#refuse([], 'too_large', `its values take more than ${MAX_STEPS} steps to work out`);
    if (within.open.length > MAX_DEPTH)
      return this.#refuse(at, 'too_large', `the value comes through more than ${MAX_DEPTH} others`);
    if (within.open.includes(written)) return this.#refuse(at, 'cycle', 'the value depends on itself');
    if (value === null) return this.#refuse(at, 'wrong_type', 'null is not a value');
    const call = functionIn(value);
    if (call === undefined) return this.#literal(written, within);
    const inner = { value: call.argument, at: [...at, call.name] };
    const deeper = { ...within, open: [...within.open, written] };
    switch (call.name) {
      case 'get_input':
        return this.#input(inner);
      case 'get_property':
        return this.#member('properties', inner, deeper);
      case 'get_attribute':
        return this.#member('attributes', inner, deeper);
      case 'concat':
        return this.#concat(inner, deeper);
      default: {
        const message = `the function ${call.name} is not supported: supported are ${FUNCTIONS.join(', ')}`;
        return this.#refuse(inner.at, 'unsupported', message);
      }
    }
  }

  #literal({ value, at }: Written, within: Within): Evaluated | undefined {
    if (typeof value === 'string' && value.includes('${')) return this.#looksLikeReference(value, at);
    if (typeof value !== 'object' || value === null) return { kind: 'literal', value };
    for (const [key, member] of Object.entries(value)) {
      if (key.includes('${')) return this.#looksLikeReference(key, at);
      const inner = { value: member, at: [...at, Array.isArray(value) ? Number(key) : key] };
      if (functionIn(member) !== undefined)
        return this.#refuse(inner.at, 'unsupported', 'functions are not supported within lists and maps');
      if (this.#of(inner, within) === undefined) return undefined;
    }
    return { kind: 'literal', value };
  }

  #looksLikeReference(text: string, at: At): undefined {
    return this.#refuse(
      at,
      'unsupported',
      `${show(text)} holds \${, which begins a reference of a blueprint`,
    );
  }

  #input({ value, at }: Written): Evaluated | undefined {
    const { definitions, inputs } = this.#options;
    const path = pathOf(value);
    const [name, ...steps] = path ?? [];
    if (path === undefined || name === undefined)
      return this.#refuse(at, 'wrong_type', `${show(value)} is not right: give the name of an input`);
    const definition = definitions.get(name);
    if (definition === undefined) {
      const near = this.#options.report.near(name, [...definitions.keys()]);
      return this.#refuse(at, 'unknown_input', `${show(name)} is not an input${near}`);
    }
    if (steps.some(isUnfit)) return this.#unfit(steps.find(isUnfit)!, at);
    const whole = inputs && Object.hasOwn(inputs, name) ? inputs[name] : definition.default;
    const found = valueAt(whole, steps);
    if (whole !== undefined && found === undefined && steps.length > 0)
      return this.#refuse(at, 'bad_reference', `the input ${name} has no ${steps.join('.')}`);
    const known = found !== undefined && { known: { value: found } };
    return { kind: 'text', text: reference(INPUTS_NAME, path), isStatic: true, ...known };
  }

  #concat({ value, at }: Written, within: Within): Evaluated | undefined {
    if (!Array.isArray(value))
      return this.#refuse(
        at,
        'wrong_type',
        `${show(value)} is not right: give a list of texts and functions`,
      );
    const parts: Evaluated[] = [];
    let text = '';
    for (const [index, one] of value.entries()) {
      const part = this.#of({ value: one, at: [...at, index] }, within);
      if (part === undefined) return undefined;
      if (part.kind === 'literal' && typeof part.value === 'object')
        return this.#refuse([...at, index], 'wrong_type', `${show(part.value)} is not a text`);
      const next = textOf(part);
      // Two parts may come to a reference together.
      if (part.kind === 'literal' && text.endsWith('$') && next.startsWith('{'))
        return this.#looksLikeReference(text + next, at);
      text += next;
      if (text.length > MAX_CHARACTERS)
        return this.#refuse(at, 'too_large', `the text is longer than ${MAX_CHARACTERS} characters`);
      parts.push(part);
    }
    if (parts.every(({ kind }) => kind === 'literal')) return { kind: 'literal', value: text };
    const known = parts.map(knownOf);
    const isStatic = parts.every((part) => part.kind === 'literal' || part.isStatic);
    const isKnown = known.every((one) => one !== undefined);
    return {
      ...{ kind: 'text', text, isStatic },
      ...(isKnown && { known: { value: known.map((one) => printed(one!.value)).join('') } }),
    };
  }

  #member(kind: Kind, { value, at }: Written, within: Within): Evaluated | undefined {
    const path = pathOf(value);
    if (path === undefined || path.length < 2)
      return this.#refuse(at, 'wrong_type', `${show(value)} is not right: give a list, like [SELF, name]`);
    const [owner, ...steps] = path as readonly [string, string, ...string[]];
    const named = this.#owner(owner, kind, steps[0]!, at, within);
    if (named === undefined) return undefined;
    const [node, rest] = this.#through(named, steps);
    return kind === 'properties'
      ? this.#property(node, rest, at, within)
      : this.#attribute(node, rest, at, within);
  }

  #owner(name: string, kind: Kind, member: string, at: At, { self }: Within): Node | undefined {
    const { nodes } = this.#options;
    if (name !== SELF && name !== HOST) {
      const node = nodes.get(name);
      if (node) return node;
      const known = [...nodes.keys()];
      const near = this.#options.report.near(name, known);
      const message = `${show(name)} is not a node template${near}: there are ${known.join(', ')}`;
      return this.#refuse(at, 'unknown_node', message);
    }
    if (self === undefined)
      return this.#refuse(at, 'bad_reference', `an output has no ${name}: give the name of a node template`);
    if (name === SELF) return self;
    const hosts = hostsOf(nodes, self).slice(1);
    const found = hosts.find(({ type }) => type[kind].has(member) || type.properties.has(member)) ?? hosts[0];
    return found ?? this.#refuse(at, 'bad_reference', `${self.name} is not hosted on another node`);
  }

  /** `[SELF, requirement, name]` leads to the node that is required. */
  #through(node: Node, steps: readonly string[]): readonly [Node, readonly string[]] {
    const [first, ...rest] = steps as readonly [string, ...string[]];
    const { type, requirements } = node;
    if (rest.length === 0 || type.properties.has(first) || type.attributes.has(first)) return [node, steps];
    const target = requirements.find(({ name }) => name === first)?.target;
    const next = target === undefined ? undefined : this.#options.nodes.get(target);
    return next === undefined ? [node, steps] : [next, rest];
  }

  #property(node: Node, steps: readonly string[], at: At, within: Within): Evaluated | undefined {
    const [name, ...path] = steps as readonly [string, ...string[]];
    const written = node.properties.get(name);
    if (written) return this.#inside(this.#of(written, { ...within, self: node }), path, at);
    const known = [...node.type.properties.keys()];
    const message = known.includes(name)
      ? `the property ${name} of ${node.name} is missing`
      : `${show(name)} is not a property of ${node.name}${this.#options.report.near(name, known)}`;
    return this.#refuse(at, 'bad_reference', message);
  }

  /** What the operations of its node write, or else what is assigned. A property is an attribute too. */
  #attribute(node: Node, steps: readonly string[], at: At, within: Within): Evaluated | undefined {
    const { components } = this.#options;
    const [name, ...path] = steps as readonly [string, ...string[]];
    const { attributes, properties } = node.type;
    if (!attributes.has(name) && properties.has(name)) return this.#property(node, steps, at, within);
    if (!attributes.has(name)) {
      const near = this.#options.report.near(name, [...attributes.keys(), ...properties.keys()]);
      return this.#refuse(at, 'bad_reference', `${show(name)} is not an attribute of ${node.name}${near}`);
    }
    const assigned = node.attributes.get(name);
    if (assigned && !isRun(node))
      return this.#inside(this.#of(assigned, { ...within, self: node }), path, at);
    if (!isRun(node)) {
      const message = `the attribute ${name} of ${node.name} is not set, and no operation writes it`;
      return this.#refuse(at, 'bad_reference', message);
    }
    const { self } = within;
    if (self !== undefined && !this.#reachedBy(self).has(node.name)) {
      const message = `${node.name} may come later than ${self.name}: add it to the requirements of ${self.name}`;
      return this.#refuse(at, 'not_after', message);
    }
    const unfit = steps.find(isUnfit);
    if (unfit !== undefined) return this.#unfit(unfit, at);
    return { kind: 'text', text: reference(components.get(node.name)!, steps), isStatic: false };
  }

  #reachedBy(node: Node): ReadonlySet<string> {
    const found = this.#reached.get(node) ?? reached(this.#options.nodes, node.name);
    this.#reached.set(node, found);
    return found;
  }

  #unfit(step: string, at: At): undefined {
    return this.#refuse(at, 'unsupported', `${show(step)}: only names without . { } $ | are supported`);
  }

  #inside(found: Evaluated | undefined, path: readonly string[], at: At): Evaluated | undefined {
    if (found === undefined || path.length === 0) return found;
    const [one] = path;
    if (found.kind === 'text') {
      // A whole reference, which may lead further.
      const whole = /^\$\{([^{}]*)\}$/.exec(found.text)?.[1];
      const unfit = path.find(isUnfit);
      if (unfit !== undefined) return this.#unfit(unfit, at);
      if (whole === undefined) return this.#refuse(at, 'bad_reference', `a text has no ${show(one)}`);
      const value = found.known && valueAt(found.known.value, path);
      if (found.known && value === undefined)
        return this.#refuse(at, 'bad_reference', `${show(found.known.value)} has no ${path.join('.')}`);
      const { known: _, ...rest } = found;
      return {
        ...{ ...rest, text: reference(whole, path) },
        ...(value !== undefined && { known: { value } }),
      };
    }
    const value = valueAt(found.value, path);
    if (value === undefined)
      return this.#refuse(at, 'bad_reference', `${show(found.value)} has no ${path.join('.')}`);
    return { kind: 'literal', value };
  }

  /** V2 */
  #refuse(at: At, code: string, message: string): undefined {
    this.#options.report.add(at, code, message);
    return undefined;
  }
}

/** The text of a reference could not tell it from its own marks. */
function isUnfit(step: string): boolean {
  return /[.{}$|]/.test(step);
}
