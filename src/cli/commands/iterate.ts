import type { Command } from 'commander';
import { iterationNumber } from '../arguments.js';
import { readJsonInput } from '../input.js';
import type { Io } from '../io.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';
import { problemPath } from '../task.js';
import { finish } from './finish.js';

interface IterateOptions extends CommonOptions {
  readonly from?: number;
  readonly input?: string;
  readonly wait?: boolean;
}

export function iterateCommand(program: Command, io: Io): void {
  clientCommand(program, 'iterate', 'Begin the next iteration of a problem')
    .argument('<problem_id>')
    .option(
      '--from <iteration>',
      'the iteration to go on from (default: the newest that succeeded)',
      iterationNumber,
    )
    .option('--input <file|-|json>', "a new input (default: the parent's)")
    .option('--wait', 'wait for the end; exit 1 if the task fails')
    .action(async (problemId: string, options: IterateOptions) => {
      const session = openSession(options, io);
      const body = {
        ...(options.from !== undefined && { parent_iteration_id: options.from }),
        ...(options.input !== undefined && { input: await readJsonInput('--input', options.input, io) }),
      };
      const begun = await session.client.post(`${problemPath(problemId)}/iterations`, body);
      await finish(session, begun, options.wait ?? false);
    });
}
