import type { Command } from 'commander';
import { differenceLine, differencesOf } from '../../../node-kit/differences.js';
import { type RecordedExecution, readRecording } from '../../../node-kit/recording.js';
import { type Played, Rehearsal, typesUsedBy } from '../../../node-kit/rehearsal.js';
import { packageTypes } from '../../../wire/package-types.js';
import { CliError, EXIT } from '../../exit.js';
import { type Io, writeJson, writeLine, writeText } from '../../io.js';
import { stackBelow } from '../../print/stack.js';
import { milliseconds } from './conform.js';

interface RunOptions {
  readonly expect?: boolean;
  readonly module?: string;
  readonly protoPath: readonly string[];
  readonly timeout: number;
}

const TIMEOUT_MS = 60_000;
const DEFAULT_MODULE = 'module';

export function runCommand(kit: Command, io: Io): void {
  kit
    .command('run')
    .description(
      'Start a node without an orchestrator, send it recorded or hand-written inputs, and print its outputs',
    )
    .argument('<file>', 'JSON lines, as written by record; - for stdin')
    .argument('<command...>', 'the command that starts the node, after --')
    .option('--expect', 'fail if outputs differ from those in the file')
    .option('--module <name>', 'the module of the node (default: the one in the file)')
    .option(
      '--proto-path <dir>',
      'a folder with .proto files (repeatable)',
      (dir: string, dirs: readonly string[]) => [...dirs, dir],
      [],
    )
    .option('--timeout <ms>', 'how long one execution may take', milliseconds, TIMEOUT_MS)
    .action(async (file: string, command: readonly string[], options: RunOptions) => {
      const executions = await readRecording(file, io.stdin);
      const rehearsal = await openRehearsal(command, executions, options, io);
      let failed = 0;
      try {
        for (const recorded of executions) {
          const played = await rehearsal.perform(recorded, options.timeout);
          writeJson(io.stdout, asRecorded(recorded, played));
          sayStack(played, io);
          if (options.expect) failed += compare(recorded, played, io);
          else if (played.error !== undefined) failed += 1;
        }
      } finally {
        await rehearsal.close();
      }
      const count = executions.length;
      writeLine(io.stderr, `${count - failed} of ${count} ${options.expect ? 'as expected' : 'succeeded'}`);
      if (failed > 0) {
        const code = options.expect ? 'not_as_expected' : 'execution_failed';
        throw new CliError(EXIT.failed, code, `${failed} of ${count} executions`, { answered: true });
      }
    });
}

/** The node of one command, ready to be given these executions. Throws `mixed_recording`. */
export async function openRehearsal(
  command: readonly string[],
  executions: readonly RecordedExecution[],
  options: { readonly module?: string; readonly protoPath: readonly string[] },
  io: Io,
): Promise<Rehearsal> {
  const one = (what: string, values: readonly string[]): string => {
    const [first, ...others] = new Set(values);
    if (others.length === 0) return first!;
    const message = `the executions are of several ${what}: ${[first, ...others].join(', ')}`;
    throw new CliError(EXIT.badInput, 'mixed_recording', message, {
      hint: 'a node plays one module: split the file',
    });
  };
  const module =
    options.module ??
    one(
      'modules',
      executions.map((each) => each.module ?? DEFAULT_MODULE),
    );
  return await Rehearsal.open({
    command,
    module,
    types: packageTypes(options.protoPath),
    typesUsed: typesUsedBy(executions),
    outputType: one(
      'output types',
      executions.map(({ output_type = 'json', output_types: named }) => (named ? '' : output_type)),
    ),
    onText: (text) => writeText(io.stderr, text),
    onWord: (line) => writeLine(io.stderr, `${module}: ${line}`),
    signal: io.signal,
  });
}

/** The line again, with what came of it now. */
export function asRecorded(recorded: RecordedExecution, { outputs, error }: Played): RecordedExecution {
  const { error: _, ...rest } = recorded;
  return { ...rest, outputs, ...(error && { error: { code: error.code, message: error.message } }) };
}

/** A recording leaves it out, since it changes with every line of the node. */
export function sayStack({ error }: Played, io: Io): void {
  if (error?.stack) writeLine(io.stderr, `${error.code}${stackBelow(error.stack)}`);
}

function compare(recorded: RecordedExecution, played: Played, io: Io): 0 | 1 {
  const ofInterest = ({ outputs = [], error }: Pick<RecordedExecution, 'outputs' | 'error'>) => ({
    outputs,
    ...(error && { error: { code: error.code, message: error.message } }),
  });
  const differences = differencesOf(ofInterest(recorded), ofInterest(asRecorded(recorded, played)));
  if (differences.length === 0) return 0;
  writeLine(io.stderr, `not as expected${recorded.task_id === undefined ? '' : ` (${recorded.task_id})`}:`);
  for (const difference of differences) writeLine(io.stderr, differenceLine(difference));
  return 1;
}
