/** The command `crate`: an iteration as a file that a paper can cite. */
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { messageOf } from '../../base/errors.js';
import { taskIdOf } from '../arguments/short-ids.js';
import { CliError, EXIT } from '../exit.js';
import type { Io } from '../io.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';
import { taskPath } from '../tasks/task.js';

interface CrateOptions extends CommonOptions {
  readonly license?: string;
}

export function crateCommand(program: Command, io: Io): void {
  clientCommand(program, 'crate', 'Write a finished iteration to stdout as an RO-Crate in a zip file')
    .argument('<task_id>')
    .option('--license <url>', 'the licence of the crate, such as https://spdx.org/licenses/CC-BY-4.0')
    .addHelpText(
      'after',
      `
The crate contains the input, the outputs as files, the graph, versions, times and every attempt (Workflow Run RO-Crate 0.5).
  tutti crate PROBLEM_ID/1 > run.crate.zip`,
    )
    .action(async (task: string, { license, ...options }: CrateOptions) => {
      if ((io.stdout as Partial<NodeJS.WriteStream>).isTTY === true)
        throw new CliError(EXIT.badInput, 'bad_option', 'A crate is not text: redirect it to a file with >.');
      const { client } = openSession(options, io);
      const content = await client.stream(`${taskPath(await taskIdOf(client, task))}/crate`, { license });
      try {
        await pipeline(content, io.stdout, { end: false });
      } catch (cause) {
        throw new CliError(EXIT.failed, 'export_broken', `The export broke off: ${messageOf(cause)}`, {
          cause,
        });
      }
    });
}
