/** The problems in `nodes/sustainml/samples`, read as the orchestrator's JSON mapping reads them. */
import { readdirSync, readFileSync } from 'node:fs';
import type { UserInput } from '../../../nodes/sustainml/types.js';

const FOLDER = new URL('../../../nodes/sustainml/samples/', import.meta.url);

export const SAMPLE_NAMES: string[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .sort();

export function sampleJson(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Record<string, unknown>;
}

export function sample(name: string): UserInput {
  const json = sampleJson(name) as unknown as Omit<UserInput, 'extra_data'> & { extra_data: string };
  return { ...json, extra_data: Uint8Array.from(Buffer.from(json.extra_data, 'base64')) };
}

/** The JSON of an `extra_data` field. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into free-form JSON.
export function extra(message: { extra_data: Uint8Array }): any {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(message.extra_data));
}

export function bytes(json: unknown): Uint8Array {
  return new TextEncoder().encode(typeof json === 'string' ? json : JSON.stringify(json));
}
