/** What a deployed process would understand of the command line, the environment and the files that a manifest gives it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../../src/config/config.js';
import type { Config } from '../../src/config/options.js';
import { type NodeSettings, readOptions } from '../../src/sdk/options.js';

/** The built command line: its version is beside the package. */
const built = (file: string): Promise<unknown> =>
  import(new URL(`../../dist/src/cli/${file}.js`, import.meta.url).href);
const { createProgram } = (await built('program')) as typeof import('../../src/cli/program.js');
const { registerUp } = (await built('commands/up')) as typeof import('../../src/cli/commands/up.js');
const { agentCommand } = (await built('commands/agent')) as typeof import('../../src/cli/commands/agent.js');

export interface Started {
  readonly command: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Reads a command line of `tutti`. Throws for a command or an option that there is not, and where one is missing. */
export function readCommandLine(args: readonly string[]): Started {
  const { stdin, stdout, stderr } = process;
  const never = new AbortController().signal;
  const io = { stdin, stdout, stderr, env: {}, signal: never, terminated: never };
  const program = createProgram(io, 'test');
  registerUp(program, io);
  agentCommand(program, io);
  const started: { current?: Started } = {};
  for (const each of program.commands as Command[]) {
    each.exitOverride().action(() => {
      started.current = { command: each.name(), options: each.opts() };
    });
  }
  program.parse([...args], { from: 'user' });
  if (!started.current) throw new Error(`${args.join(' ')} starts nothing`);
  return started.current;
}

/** The options of `tutti up ARGS` where these files lie below the root. */
export function readUp(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>>,
  root: string,
): Config {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const { options } = readCommandLine(args);
  const placed = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name,
      typeof value === 'string' && value.startsWith('/') ? join(root, value) : value,
    ]),
  );
  return loadConfig({ flags: placed, env });
}

/** The settings of a node, or of an agent, with this environment. */
export function readNode(env: Readonly<Record<string, string>>, module = ''): NodeSettings {
  return readOptions(module, {}, env, () => true);
}
