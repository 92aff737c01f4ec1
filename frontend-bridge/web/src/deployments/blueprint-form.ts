/**
 * What a form has to know of a blueprint: its name, the inputs that it asks for and the files that it names. The orchestrator alone reads
 * it in full, and says what is wrong with it.
 */
import { parse } from 'yaml';
import { printJson } from '../../../../src/base/json/json-text.js';
import { INPUT_TYPES, type InputType } from '../../../../src/model/blueprint.js';
import { pathWithin } from '../../../../src/model/run.js';
import type { ChosenFile } from './chosen-files.js';

export interface BlueprintForm {
  readonly name: string;
  readonly inputs: readonly AskedInput[];
  /** Paths beside the blueprint. */
  readonly files: readonly string[];
}

export interface AskedInput {
  readonly name: string;
  readonly type: InputType;
  /** @default it has to be given */
  readonly default: unknown;
  readonly description: string | undefined;
  /** What it is in a deployment that there is, and stays as long as nothing else is typed. */
  readonly now?: string;
}

/** A value as a person types it. */
export function textOf(type: InputType, value: unknown): string {
  if (value === undefined) return '';
  return type === 'string' && typeof value === 'string' ? value : (printJson(value) ?? '');
}

/** Nothing where a text is something else: a playbook, a graph, no YAML at all. */
export function readBlueprint(text: string): BlueprintForm | undefined {
  let raw: unknown;
  try {
    raw = parse(text, { merge: true });
  } catch {
    return undefined;
  }
  if (!isRecord(raw) || typeof raw.blueprint !== 'string') return undefined;
  return { name: raw.blueprint, inputs: inputsOf(raw.inputs), files: filesOf(raw.components) };
}

function inputsOf(raw: unknown): AskedInput[] {
  return Object.entries(recordOf(raw)).map(([name, input]) => {
    const { type, default: value, description } = recordOf(input);
    return {
      name,
      type: INPUT_TYPES.find((one) => one === type) ?? 'string',
      default: value,
      description: typeof description === 'string' ? description : undefined,
    };
  });
}

function filesOf(components: unknown): string[] {
  const named = Object.values(recordOf(components)).flatMap((component) => {
    const { operations, files, service } = recordOf(component);
    const { script, files: ofService } = recordOf(service);
    const scripts = Object.values(recordOf(operations)).map((one) => (isRecord(one) ? one.script : one));
    return [
      ...scripts,
      ...(Array.isArray(files) ? files : []),
      script,
      ...Object.values(recordOf(ofService)),
    ];
  });
  const paths = named.flatMap((path) => (typeof path === 'string' ? (pathWithin(path) ?? []) : []));
  return [...new Set(paths)];
}

/**
 * Of the chosen files, the one that a blueprint at `blueprintPath` means by a path: the one that is there, or, where single files were
 * chosen, the only one that is called so.
 */
export function fileAt(
  files: readonly ChosenFile[],
  blueprintPath: string,
  path: string,
): ChosenFile | undefined {
  const folder = blueprintPath.slice(0, blueprintPath.lastIndexOf('/') + 1);
  const there = files.find((one) => one.path === folder + path);
  if (there) return there;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const alike = files.filter((one) => one.path === name);
  return folder === '' && alike.length === 1 ? alike[0] : undefined;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
