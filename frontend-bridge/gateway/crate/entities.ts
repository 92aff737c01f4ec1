/** The pieces of a description in JSON-LD, and the names under which they refer to each other. */
import { sha256Of } from '../../../src/base/sha256.js';
import { type CrateExecution, type CrateFile, type CrateModule, type CrateRun, sizeOf } from './run.js';

export type Reference = { readonly '@id': string };
export type Entity = { readonly '@id': string; readonly '@type': string | readonly string[] } & Readonly<
  Record<string, unknown>
>;
export type Step = readonly [name: string, module: CrateModule];

export function ref(id: string): Reference {
  return { '@id': id };
}

export function describedFile(file: CrateFile): Entity {
  const { path, mediaType, content } = file;
  return {
    '@id': path,
    '@type': 'File',
    name: path,
    encodingFormat: mediaType,
    contentSize: String(sizeOf(file)),
    sha256: content.kind === 'blob' ? content.blob.sha256 : sha256Of(content.bytes),
  };
}

export function parameter(id: string, name: string): Entity {
  return { '@id': id, '@type': 'FormalParameter', additionalType: 'File', name };
}

export function connection(from: string, to: string): Entity {
  return {
    '@id': `#connection-${from.replace(/^.*#/, '')}-${to.replace(/^.*#/, '')}`,
    '@type': 'ParameterConnection',
    sourceParameter: ref(from),
    targetParameter: ref(to),
  };
}

export function intoAll(name: string, { inputs, previous }: CrateModule): string[] {
  return [...inputs.map((input) => intoOf(name, input)), ...previous.map((input) => beforeOf(name, input))];
}

export const sourceOf = ({ graph }: CrateRun): string => `graph.yaml#${graph.source}`;
export const resultOf = (module: string): string => `graph.yaml#result/${module}`;
export const toolOf = (module: string): string => `graph.yaml#${module}`;
export const stepOf = (module: string): string => `graph.yaml#step/${module}`;
export const intoOf = (module: string, input: string): string => `graph.yaml#${module}/in/${input}`;
export const beforeOf = (module: string, input: string): string => `graph.yaml#${module}/previous/${input}`;
export const outOf = (module: string): string => `graph.yaml#${module}/out`;
export const actionOf = ({ execution_id }: CrateExecution): string => `#execution-${execution_id}`;
export const controlOf = ({ execution_id }: CrateExecution): string => `#control-${execution_id}`;
