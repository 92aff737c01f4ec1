/** The command line as a whole: what all commands have in common, and how one is run. */
import { Command, Option } from 'commander';
import { type Client, createClient } from './client.js';
import { EXIT, type ExitCode, report } from './exit.js';
import { type Io, writeJson, writeLine, writeMessage } from './io.js';

const DEFAULT_URL = 'http://127.0.0.1:7480';

export interface CommonOptions {
  readonly json?: boolean;
  readonly url?: string;
  readonly token?: string;
}

/** The context of a client command. */
export interface Session {
  readonly client: Client;
  readonly json: boolean;
  readonly io: Io;
  /** One document: as JSON, or as people read it. */
  print(document: unknown, forPeople: () => string): void;
}

/** `tutti` without commands; add them before `run`. */
export function createProgram(io: Io, version: string): Command {
  const program = new Command('tutti')
    .description('Coordinates a graph of module nodes')
    .version(version)
    // Before the command, an option is common to all; after it, it is the command's own.
    .enablePositionalOptions()
    .hook('preAction', (root, action) => inherit(root, action));
  addCommonOptions(program);
  return program.exitOverride().configureOutput({
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => writeMessage(io.stderr, text),
  });
}

/** An option before the command counts if the command has that option and no other value for it. */
function inherit(root: Command, action: Command): void {
  for (const option of root.options) {
    const name = option.attributeName();
    const value: unknown = root.getOptionValue(name);
    const takesIt = action.options.some((own) => own.attributeName() === name);
    if (takesIt && value !== undefined && action.getOptionValue(name) === undefined)
      action.setOptionValueWithSource(name, value, 'cli');
  }
}

function addCommonOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--url <url>',
        `the URL of the orchestrator, or of several of one store: URL,URL (TUTTI_URL, default ${DEFAULT_URL})`,
      ),
    )
    .addOption(new Option('--token <token>', 'the token (TUTTI_TOKEN)'))
    .option('--json', 'print one JSON document on stdout');
}

/** Runs `tutti` with these arguments (without those of Node.js), and gives its exit code. Never throws. */
export async function run(program: Command, args: readonly string[], io: Io): Promise<ExitCode> {
  try {
    await program.parseAsync(args, { from: 'user' });
    return EXIT.done;
  } catch (thrown) {
    return report(thrown, args.includes('--json'), io);
  }
}

/** A command that talks to an orchestrator: `url`, `token` and `json` are options of all of them. */
export function clientCommand(parent: Command, usage: string, description: string): Command {
  return addCommonOptions(parent.command(usage).description(description));
}

export function openSession(options: CommonOptions, io: Io): Session {
  const token = options.token ?? io.env.TUTTI_TOKEN;
  const json = options.json ?? false;
  return {
    client: createClient({
      url: options.url ?? (io.env.TUTTI_URL || DEFAULT_URL),
      ...(token !== undefined && token !== '' && { token }),
      signal: io.signal,
    }),
    json,
    io,
    print: (document, forPeople) =>
      json ? writeJson(io.stdout, document) : writeLine(io.stdout, forPeople()),
  };
}
