/** `tutti agent`: the node that represents a cluster, in the foreground. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { pino } from 'pino';
import { messageOf, TuttiError } from '../../base/errors.js';
import { stderrLog } from '../../base/log-destination.js';
import { version } from '../../base/version.js';
import { writeAgentNote } from '../../server/agent-note.js';
import { startOf } from '../../store/process-info.js';
import { CliError, EXIT } from '../exit.js';
import type { Io } from '../io.js';

/** As those of clusters; a shared store's `local` is `local@<host>`. */
const NAME = /^[a-z0-9][a-zA-Z0-9_.@-]{0,254}$/;

export function agentCommand(program: Command, io: Io): void {
  program
    .command('agent')
    .description('Run the agent of a cluster in the foreground (TUTTI_CONTROL, TUTTI_TOKEN)')
    .requiredOption('--cluster <NAME>', 'the cluster that it represents')
    .addOption(
      new Option(
        '--state <DIR>',
        'the folder for its work (TUTTI_STATE, default ~/.local/state/tutti/agents/NAME)',
      ),
    )
    .action(async ({ cluster, state }: { cluster: string; state?: string }) => {
      if (!NAME.test(cluster))
        throw new CliError(
          EXIT.badInput,
          'bad_option',
          `--cluster: ${JSON.stringify(cluster)} is not a name of a cluster`,
        );
      const { createAgent } = await import('../../../nodes/agent/agent.js');
      const logger = pino({ name: 'tutti-agent', base: { cluster } }, stderrLog());
      const stateDir = state ?? (io.env.TUTTI_STATE || join(stateHome(io), 'tutti', 'agents', cluster));
      try {
        const { pid } = process;
        const started = await startOf(pid);
        const onBegin = (): void => {
          const control = io.env.TUTTI_CONTROL ?? '';
          if (started !== undefined) writeAgentNote(stateDir, { pid, started, control });
        };
        const running = await createAgent({ cluster, stateDir, version, logger, onBegin }).start();
        await running.stopped;
      } catch (thrown) {
        if (!(thrown instanceof TuttiError)) throw new CliError(EXIT.failed, 'internal', messageOf(thrown));
        const { code, message, hint, details } = thrown;
        const exit = code === 'bad_option' ? EXIT.badInput : EXIT.failed;
        throw new CliError(exit, code, message, {
          details,
          cause: thrown,
          ...(hint !== undefined && { hint }),
        });
      }
    });
}

function stateHome({ env }: Io): string {
  return env.XDG_STATE_HOME || join(homedir(), '.local', 'state');
}
