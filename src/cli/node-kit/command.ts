import type { Command } from 'commander';
import type { Io } from '../io.js';
import { conformCommand } from './conform/command.js';
import { devCommand } from './dev-command.js';
import { initCommand } from './init-command.js';
import { recordCommand } from './record-command.js';
import { runCommand } from './run-command.js';

/** `tutti node-kit …`: what the author of a node works with. None of it needs an orchestrator, but for `record`. */
export function nodeKitCommand(program: Command, io: Io): void {
  const kit = program.command('node-kit').description('Write, try out and check nodes');
  initCommand(kit, io);
  recordCommand(kit, io);
  runCommand(kit, io);
  devCommand(kit, io);
  conformCommand(kit, io);
}
