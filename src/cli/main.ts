#!/usr/bin/env node
import { createRequire } from 'node:module';
import { version } from '../base/version.js';
/** The `tutti` command. */
import { EXIT } from './exit.js';

const args = process.argv.slice(2);
// One after the other: Node.js opens all files of an import at once, which would be more than a small limit on open files allows. What is required is read
// file by file, and so is the largest part, which only this command needs.
if (args[0] === 'up') createRequire(import.meta.url)('../server/up.js');
const { parseGraph } = await import('../config/graph/graph-file.js');
const { packageTypes } = await import('../wire/package-types.js');
const { createProgram, run } = await import('./program.js');
const { registerUp } = await import('./commands/up.js');
const { registerClientCommands } = await import('./client-commands.js');
const { agentCommand } = await import('./commands/agent.js');
const { completionCommand } = await import('./commands/completion.js');

const terminated = new AbortController();
/** Also when a command's output is not read. */
const stop = new AbortController();
terminated.signal.addEventListener('abort', () => stop.abort(terminated.signal.reason));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => terminated.abort(signal));
const io = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: stop.signal,
  terminated: terminated.signal,
};
// The reader may have closed the pipe: `tutti watch | head`. Any other error, such as a full disk, is a failure of the command.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  stop.abort(error.code);
  if (error.code === 'EPIPE') return;
  process.stderr.write(`error: the output cannot be written: ${error.message} (output_failed)\n`);
  process.once('exit', () => {
    if (!isService) process.exitCode = EXIT.failed;
  });
});
// There is nowhere left to say it.
process.stderr.on('error', () => {});
/** It works on when its output is not read. */
const isService = args[0] === 'up' || args[0] === 'agent';
const program = createProgram(io, version);
registerUp(program, io);
agentCommand(program, io);
registerClientCommands(program, io, (yaml, { file, protoPaths }) =>
  parseGraph(yaml, { types: packageTypes(protoPaths), file }),
);
completionCommand(program);
process.exitCode = await run(program, args, io);
