import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Input } from '../../../model/protocol.js';
import type { Level } from '../../../node-kit/conform/case.js';
import { failureText, resultJson, resultLine } from '../../../node-kit/conform/render.js';
import { conform } from '../../../node-kit/conform/suite.js';
import { CliError, EXIT } from '../../exit.js';
import { type Io, writeJson, writeLine } from '../../io.js';

interface ConformOptions {
  readonly level: Level;
  readonly json?: boolean;
  readonly module: string;
  readonly input: string;
  readonly patience: number;
}

/** A step takes milliseconds; a machine under load, seconds. */
const PATIENCE_MS = 5_000;

export function conformCommand(kit: Command, io: Io): void {
  kit
    .command('conform')
    .description('Check that a node follows the protocol, in any language')
    .argument('<command...>', 'the command that starts the node, after --')
    .addOption(
      new Option(
        '--level <level>',
        'minimal: requirements for every node; full: those that the SDKs meet, with the node of docs/node-protocol.md',
      )
        .choices(['minimal', 'full'])
        .default('full'),
    )
    .option('--module <name>', 'the module of the node', 'conform')
    .option('--input <json>', 'the input for a minimal node', '{}')
    .option('--patience <ms>', 'how long one step may take', milliseconds, PATIENCE_MS)
    .option('--json', 'print one JSON document on stdout')
    .action(async (command: readonly string[], options: ConformOptions) => {
      const { level, json = false, module, patience: patienceMs } = options;
      const results = await conform({
        ...{ command, module, level, patienceMs, inputs: [inputOf(options.input)], signal: io.signal },
        onResult: (result) => {
          if (json) return;
          writeLine(io.stdout, resultLine(result));
          if (result.outcome === 'failed') writeLine(io.stdout, failureText(result));
        },
      });
      const count = (outcome: string) => results.filter((result) => result.outcome === outcome).length;
      const [passed, failed, notRun] = ['passed', 'failed', 'not_run'].map(count) as [number, number, number];
      if (json) {
        const document = { level, passed, failed, not_run: notRun, cases: results.map(resultJson) };
        writeJson(io.stdout, document);
      } else {
        writeLine(
          io.stdout,
          `${passed} passed, ${failed} failed${notRun > 0 ? `, ${notRun} not run` : ''} (level ${level})`,
        );
      }
      if (failed === 0 && notRun === 0) return;
      const names = results.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id);
      const message = names.length > 0 ? `the node fails ${names.join(', ')}` : 'the suite was interrupted';
      throw new CliError(EXIT.failed, 'not_conforming', message, { answered: true });
    });
}

function inputOf(json: string): Input {
  try {
    JSON.parse(json);
  } catch (cause) {
    throw new CliError(EXIT.badInput, 'malformed_json', `--input: ${json} is not JSON`, { cause });
  }
  const value = { kind: 'inline', bytes: Buffer.from(json) } as const;
  return { name: 'input', type: 'json', value, previous: false };
}

export function milliseconds(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number of milliseconds.');
}
