import { z } from 'zod';
import type { GraphSummaryJson, SampleJson } from '../../../src/contract/graph.js';
import type { Documented } from './documented.js';
import { named } from './shape.js';

export const graphView: Documented<GraphSummaryJson> = named(
  'Graph',
  z.looseObject({ name: z.string(), version: z.number().int() }),
);

export const sample: Documented<SampleJson> = named(
  'Sample',
  z.object({
    name: z.string().describe('The name of the file, without its extension'),
    title: z.string(),
    input: z
      .unknown()
      .describe("For `POST /v1/problems`: the source's value, in the JSON mapping of its type"),
  }),
);
