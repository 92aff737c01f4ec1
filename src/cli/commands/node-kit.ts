import type { Command } from 'commander';
import type { Io } from '../io.js';
import { conformCommand } from './node-kit/conform.js';
import { devCommand } from './node-kit/dev.js';
import { initCommand } from './node-kit/init.js';
import { recordCommand } from './node-kit/record.js';
import { runCommand } from './node-kit/run.js';

/** `tutti node-kit …`: what the author of a node works with. None of it needs an orchestrator, but for `record`. */
export function nodeKitCommand(program: Command, io: Io): void {
  const kit = program.command('node-kit').description('Create, run and check nodes');
  initCommand(kit, io);
  recordCommand(kit, io);
  runCommand(kit, io);
  devCommand(kit, io);
  conformCommand(kit, io);
}
