/** Inputs that show what a graph is for: JSON files in a folder beside the graph file, read when they are asked for. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { decodeText } from '../../../src/base/decode-text.js';
import { JsonText } from '../../../src/base/json/json-text.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { sample } from '../answers/graph.js';
import { answers, pageOf } from '../answers/shape.js';
import { type App, asked, found } from '../http.js';

/** By the graph's name, the folder of its samples; one that is not there holds none. */
export type SampleFolders = ReadonlyMap<string, string>;

/** A gallery is looked through by a person. */
const SAMPLES_MAX = 100;

export interface Sample {
  readonly name: string;
  readonly title: string;
  readonly input: unknown;
}

export function sampleRoutes(
  app: App,
  coordinator: Coordinator,
  folders: SampleFolders,
  logger: Logger,
): void {
  app.get(
    '/v1/graphs/:name/samples',
    {
      config: { action: 'read' },
      schema: {
        summary: 'Sample inputs of a graph',
        params: z.object({ name: z.string() }),
        response: answers({ 200: pageOf(sample) }),
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      found(reply, await asked(coordinator, reply).graph(name));
      const folder = folders.get(name);
      return { items: folder === undefined ? [] : await readSamples(folder, logger), next_cursor: null };
    },
  );
}

async function readSamples(folder: string, logger: Logger): Promise<Sample[]> {
  const entries = await readdir(folder).catch(() => []);
  const files = entries.filter((entry) => entry.endsWith('.json')).sort();
  const samples: Sample[] = [];
  for (const file of files.slice(0, SAMPLES_MAX)) {
    const name = basename(file, '.json');
    try {
      const input = readInput(await readFile(join(folder, file)));
      samples.push({ name, title: titleOf(name), input });
    } catch (error) {
      logger.warn({ err: error, file: join(folder, file) }, 'a sample could not be read');
    }
  }
  return samples;
}

/** As the text that it is; throws `SyntaxError`. */
function readInput(bytes: Uint8Array): JsonText {
  const json = decodeText(bytes);
  return new JsonText(json, JSON.parse(json));
}

/** `steel-defects` as people write it: `Steel defects`. */
function titleOf(name: string): string {
  const words = name.replaceAll(/[-_]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
