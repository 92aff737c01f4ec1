import type { Command } from 'commander';
import type { Io } from '../io.js';
import { conformCommand } from './conform/command.js';

/** `tutti node-kit …`: what the author of a node works with. None of it needs an orchestrator, but for `record`. */
export function nodeKitCommand(program: Command, io: Io): void {
  const kit = program.command('node-kit').description('Write, try out and check nodes');
  conformCommand(kit, io);
}
