import { z } from 'zod';
import type { ExecutionJson } from '../../../src/contract/iteration.js';
import { CLUSTER_TYPES } from '../../../src/model/cluster.js';
import { OBSERVED_STATES } from '../../../src/model/execution.js';
import type { BlobRef } from '../../../src/model/payload.js';
import type { CommandFields } from '../../../src/model/run.js';
import type { Documented } from './documented.js';
import { id, reportedError, time } from './fields.js';
import { named } from './shape.js';

export const runCommand: Documented<CommandFields> = named(
  'RunCommand',
  z.looseObject({
    cluster: z.string().optional(),
    engine: z.enum(CLUSTER_TYPES).optional(),
    argv: z.array(z.string()).optional().describe('The program and its arguments, as they ran'),
    engine_id: z.string().optional().describe("The engine's own id: a process, a batch job"),
    host: z.string().optional().describe('The machine that runs it'),
    started_at: time.optional().describe("By the cluster's clock"),
    ended_at: time.optional(),
    exit_code: z.number().int().optional().describe('As a shell reports it: 128 + n after signal n'),
    signal: z.string().optional(),
    folder: z.string().optional().describe('Its working folder, if it is kept'),
  }),
);

export const blobView: Documented<BlobRef> = named(
  'Blob',
  z.object({ sha256: z.string(), size: z.number().int() }),
);

export const executionView: Documented<ExecutionJson> = named(
  'Execution',
  z.looseObject({
    execution_id: id,
    module: z.string(),
    attempt: z.number().int(),
    pass: z.number().int().nullable().describe('For a module in a loop: the pass'),
    item: z.number().int().nullable().describe('For a module with `map`: the number of its item, from 0'),
    node_id: id,
    state: z.enum(OBSERVED_STATES),
    outputs: z.number().int().describe('Recorded ones'),
    named_outputs: z
      .record(z.string(), z.number().int())
      .optional()
      .describe('For a module with several outputs: the number of each existing one, by name'),
    whole_streams: z
      .record(z.string(), blobView)
      .describe('For streams that the log has only in part: the blobs with the complete streams'),
    assigned_at: time,
    started_at: time.nullable(),
    accepted_at: time.nullable(),
    finished_at: time.nullable(),
    error: reportedError.nullable(),
    command: runCommand.nullable().describe('For a run module'),
  }),
);

export const logLine: z.ZodType = named(
  'LogLine',
  z.looseObject({ at: time, level: z.string(), message: z.string() }),
);
