/** The README lists the commands that there are, in the order of `tutti --help`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { registerClientCommands } from '../../src/cli/client-commands.js';
import { createProgram } from '../../src/cli/program.js';

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
/** Those that `main.ts` adds, before the others and behind them. */
const OWN = { before: ['up', 'agent'], behind: ['completion'] };

it('the README lists every command', () => {
  const sink = new PassThrough();
  const io = { stdin: sink, stdout: sink, stderr: sink, env: {}, signal: new AbortController().signal };
  const program = createProgram(io, '0.0.0');
  registerClientCommands(program, io, () => ({ ok: false, faults: [] }));
  const [, listed = ''] = /lists\s+the\s+commands:\s+`([^`]*)`/.exec(README) ?? [];
  const names = program.commands.map((command) => command.name());
  expect(listed.split(/\s+/)).toEqual([...OWN.before, ...names, ...OWN.behind]);
});
