/** The `up` command: an orchestrator in the foreground, until it is told to stop. */
import { type Command, Option } from 'commander';
import { messageOf, TuttiError } from '../../base/errors.js';
import { loadConfig } from '../../config/config.js';
import { OPTIONS } from '../../config/options.js';
import type { SeenPeer } from '../../store/postgres/peers.js';
import { CliError, EXIT } from '../exit.js';
import { type Io, writeLine } from '../io.js';

/** After this long the process ends, whatever still holds on: the promise is five seconds. */
const STOP_WITHIN_MS = 4500;

export function registerUp(program: Command, io: Io): void {
  const command = program
    .command('up')
    .description('Run the orchestrator in the foreground')
    .addOption(new Option('--config <FILE>', 'options in YAML (TUTTI_CONFIG)'));
  for (const option of Object.values(OPTIONS)) {
    const { flag, value, isOptional, help, name } = option;
    const shown = isOptional ? `[${value}]` : `<${value}>`;
    const described = new Option(
      value === undefined ? flag : `${flag} ${shown}`,
      `${help} (TUTTI_${name.toUpperCase()})`,
    );
    // Values stay as they are typed: the configuration checks them wherever they come from.
    if (Array.isArray(option.preset))
      described.argParser((item: string, before: string[] = []) => [...before, item]);
    command.addOption(described);
  }
  const onForeign = (variable: string): void =>
    writeLine(
      io.stderr,
      `note: ${variable} is the address of a service, as Kubernetes sets it, and not taken for the option`,
    );
  command.action(async (flags: Record<string, unknown>) => {
    // All that it writes is its user's alone.
    process.umask(0o077);
    const config = asBadInput(() => loadConfig({ flags, env: io.env, onForeign }));
    // Only now: no other command needs all of an orchestrator to be loaded.
    const { up } = await import('../../server/up.js');
    let onLost: ((error: TuttiError) => void) | undefined;
    const lost = new Promise<TuttiError>((resolve) => {
      onLost = resolve;
    });
    const signal = io.terminated ?? io.signal;
    const running = await up(config, {
      onLost: (error) => onLost?.(error),
      onStandby: (leader) => writeLine(io.stdout, `standby ${JSON.stringify({ leader: shownOf(leader) })}`),
      signal,
    }).catch(rethrow);
    if (running === undefined) return;
    writeLine(io.stdout, `ready ${JSON.stringify(running.ready)}`);
    const stopped = new Promise<undefined>((resolve) => {
      if (signal.aborted) resolve(undefined);
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    const error = await Promise.race([lost, stopped]);
    const exit = error ? EXIT.failed : EXIT.done;
    const deadline = setTimeout(() => process.exit(exit), STOP_WITHIN_MS);
    await running.stop();
    clearTimeout(deadline);
    if (error) rethrow(error);
  });
}

/** Nobody may be known to lead, in the moment in which that changes. */
function shownOf(leader: SeenPeer | undefined): object | null {
  return leader === undefined ? null : { http: leader.http, control: leader.control ?? null };
}

/** The fault is in the person's input, not in the environment. */
const BAD_INPUT = [
  ...['bad_config', 'bad_graph', 'graph_unreadable', 'bad_service', 'service_unreadable', 'bad_proto'],
  'bad_endpoint',
  'bad_store_url',
];

function rethrow(thrown: unknown): never {
  if (!(thrown instanceof TuttiError))
    throw new CliError(EXIT.failed, 'internal', messageOf(thrown), { cause: thrown });
  const { code, message, hint, details } = thrown;
  const exit = BAD_INPUT.includes(code) ? EXIT.badInput : EXIT.failed;
  throw new CliError(exit, code, message, { details, cause: thrown, ...(hint !== undefined && { hint }) });
}

function asBadInput<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    return rethrow(thrown);
  }
}
