import { type Command, InvalidArgumentError } from 'commander';
import { iterationNumber } from '../arguments/arguments.js';
import { readJsonInput } from '../arguments/input.js';
import { problemIdOf } from '../arguments/short-ids.js';
import type { Io } from '../io.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';
import { problemPath } from '../tasks/task.js';
import { finish } from './finish.js';
import { type Labels, requireOption } from './require.js';

/** `module.input=VALUE`, as it was given. */
interface Override {
  readonly option: string;
  readonly module: string;
  readonly input: string;
  readonly source: string;
}

interface IterateOptions extends CommonOptions {
  readonly from?: number;
  readonly input?: string;
  readonly reuse?: readonly string[];
  readonly override?: readonly Override[];
  readonly require?: Labels;
  readonly wait?: boolean;
}

export function iterateCommand(program: Command, io: Io): void {
  requireOption(clientCommand(program, 'iterate', 'Start the next iteration of a problem'))
    .argument('<problem_id>')
    .option(
      '--from <iteration>',
      'the iteration to continue from (default: the newest that succeeded)',
      iterationNumber,
    )
    .option('--input <file|-|json>', "a new input (default: the parent's)")
    .option('--reuse <modules>', 'reuse the outputs of these modules, separated by commas', modules)
    .option(
      '--override <module.input=@file|json>',
      'the value that one module gets as that input; repeatable',
      override,
    )
    .option('--wait', 'wait until the task ends; exit with 1 if it fails')
    .addHelpText(
      'after',
      `
Run a module again with the same inputs or with another input, and reuse the outputs of other modules:
  tutti iterate PROBLEM_ID --from 1 --reuse fetch,train --override explain.train=@train.json`,
    )
    .action(async (problemId: string, options: IterateOptions) => {
      const session = openSession(options, io);
      const { from, input, reuse, override: overrides, require } = options;
      const body = {
        ...(from !== undefined && { parent_iteration_id: from }),
        ...(input !== undefined && { input: await readJsonInput('--input', input, io) }),
        ...(reuse !== undefined && { reuse }),
        ...(overrides !== undefined && { overrides: await readOverrides(overrides, io) }),
        ...(require !== undefined && { require }),
      };
      const path = problemPath(await problemIdOf(session.client, problemId));
      const begun = await session.client.post(`${path}/iterations`, body);
      await finish(session, begun, options.wait ?? false);
    });
}

function modules(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(',').map((name) => name.trim())].filter((name) => name !== '');
}

function override(text: string, before: readonly Override[] = []): Override[] {
  const [, module, input, source] = /^([^.=]+)\.([^.=]+(?:\.[^.=]+)?)=(.*)$/s.exec(text) ?? [];
  if (module === undefined || input === undefined || !source)
    throw new InvalidArgumentError('It is MODULE.INPUT=@FILE or MODULE.INPUT=JSON.');
  return [...before, { option: `--override ${module}.${input}`, module, input, source }];
}

async function readOverrides(
  overrides: readonly Override[],
  io: Io,
): Promise<Record<string, Record<string, unknown>>> {
  const values: Record<string, Record<string, unknown>> = {};
  for (const { option, module, input, source } of overrides) {
    values[module] ??= {};
    values[module][input] = await readJsonInput(option, source.replace(/^@/, ''), io);
  }
  return values;
}
