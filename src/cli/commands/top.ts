import { setTimeout as delay } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { createLogUpdate } from 'log-update';
import type { Io } from '../io.js';
import { paintOf, plain } from '../print/paint.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';
import { drawTop } from '../top/draw.js';
import { type Reading, readLoad } from '../top/load.js';
import { DEFAULT_WIDTH, terminalOf } from '../watch/live.js';

interface TopOptions extends CommonOptions {
  readonly interval: number;
  readonly once?: boolean;
}

export function topCommand(program: Command, io: Io): void {
  clientCommand(program, 'top', 'Show running and waiting work by module, until Ctrl-C')
    .option('--interval <seconds>', 'seconds between updates', seconds, 2)
    .option('--once', 'print once, as if stdout were not a terminal')
    .action(async (options: TopOptions) => {
      const session = openSession(options, io);
      const terminal = options.once || session.json ? undefined : terminalOf(io);
      if (terminal === undefined) {
        const reading = await readLoad(session.client);
        session.print(reading, () => drawTop(reading, undefined, Number.POSITIVE_INFINITY, plain));
        return;
      }
      const paint = paintOf(io);
      const write = createLogUpdate(terminal as NodeJS.WriteStream);
      let before: Reading | undefined;
      while (!io.signal.aborted) {
        const reading = await readLoad(session.client);
        write(drawTop(reading, before, terminal.columns ?? DEFAULT_WIDTH, paint));
        before = reading;
        await delay(options.interval * 1000, undefined, { signal: io.signal }).catch(() => {});
      }
      write.done();
    });
}

function seconds(text: string): number {
  const value = Number(text);
  if (value >= 0.2 && value <= 3600) return value;
  throw new InvalidArgumentError('It is a number of seconds from 0.2 to 3600.');
}
