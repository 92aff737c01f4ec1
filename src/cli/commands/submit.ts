import { type Command, InvalidArgumentError } from 'commander';
import { readJsonInput } from '../arguments/input.js';
import type { Io } from '../io.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';
import { finish } from './finish.js';
import { type Labels, requireOption } from './require.js';

interface SubmitOptions extends CommonOptions {
  readonly input: string;
  readonly title?: string;
  readonly tag?: readonly string[];
  readonly priority?: number;
  readonly require?: Labels;
  readonly wait?: boolean;
}

export function submitCommand(program: Command, io: Io): void {
  requireOption(clientCommand(program, 'submit', 'Submit a new problem to a graph'))
    .argument('<graph>', "the graph's name")
    .requiredOption('--input <file|-|json>', 'the input of the problem')
    .option('--title <title>', 'a human-readable name')
    .option('--tag <tag>', 'a tag (repeatable)', (tag: string, tags: string[] = []) => [...tags, tag])
    .option('--priority <number>', '0 to 100, higher first (default 50)', priority)
    .option('--wait', 'wait until the task ends; exit with 1 if it fails')
    .action(async (graph: string, options: SubmitOptions) => {
      const session = openSession(options, io);
      const { title, tag: tags, priority: given, require } = options;
      const body = {
        graph,
        input: await readJsonInput('--input', options.input, io),
        ...(title !== undefined && { title }),
        ...(tags !== undefined && { tags }),
        ...(given !== undefined && { priority: given }),
        ...(require !== undefined && { require }),
      };
      await finish(session, await session.client.post('/v1/problems', body), options.wait ?? false);
    });
}

function priority(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 100) return value;
  throw new InvalidArgumentError('It is a whole number from 0 to 100.');
}
