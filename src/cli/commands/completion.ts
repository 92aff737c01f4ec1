/** `tutti completion SHELL` prints a script that asks `tutti complete -- WORDS…` for what may come next. */
import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';

/** Has to come after all other commands: it takes them over with their options and choices. */
export function completionCommand(program: Command): void {
  tab(program, { completionCommandName: 'completion' });
}
