#!/usr/bin/env node
/** The `tutti` command. */
import { readFileSync } from 'node:fs';
import { parseGraph } from '../config/graph-file.js';
import { registerClientCommands } from './client-commands.js';
import { kitTypes } from './node-kit/recording.js';
import { createProgram, run } from './program.js';
import { registerUp } from './up/command.js';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal));
const io = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: stop.signal,
};
// Whoever reads us may have had enough: `tutti watch | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') stop.abort('EPIPE');
  else throw error;
});
const program = createProgram(io, version);
registerUp(program, io);
registerClientCommands(program, io, (yaml, { file, protoPaths }) =>
  parseGraph(yaml, { types: kitTypes(protoPaths), file }),
);
process.exitCode = await run(program, process.argv.slice(2), io);
