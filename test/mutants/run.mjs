/**
 * `node test/mutants/run.mjs [FILTER]`: applies each small breakage of `mutants.mjs` to a copy of the project, runs the tests that should notice,
 * and prints how many were caught. Exits with 1 when one was not, or no longer fits the sources.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MUTANTS } from './mutants.mjs';

const root = process.cwd();
const filter = process.argv[2] ?? '';
const copy = mkdtempSync(join(tmpdir(), 'tutti-mutants-'));
/** A mutant may wedge a test; an honest run takes a fraction of it. */
const TIMEOUT_MS = 300_000;
/** Runs of the simulation: enough to meet every situation, few enough to be quick. */
const SIMULATED = '60';

for (const part of ['src', 'test', 'proto', 'nodes', 'frontend-bridge', 'package.json', 'vitest.config.ts']) {
  cpSync(join(root, part), join(copy, part), { recursive: true });
}
for (const config of ['tsconfig.json', 'tsconfig.test.json']) cpSync(join(root, config), join(copy, config));
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));

function passes(tests) {
  const { status } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'unit', '--bail', '1', ...tests],
    { cwd: copy, stdio: 'ignore', timeout: TIMEOUT_MS, env: { ...process.env, RUNS: SIMULATED } },
  );
  return status === 0;
}

const chosen = MUTANTS.filter(({ what, file }) => what.includes(filter) || file.includes(filter));
const problems = [];
let caught = 0;
try {
  // The wider filters are those of `npm test`: only what is asked first is tried without a mutant.
  const honest = [...new Set(chosen.map(({ tests }) => tests[0]))];
  if (!passes(honest)) problems.push(`the tests fail without any mutant: ${honest.join(' ')}`);
  for (const { what, file, find, put, tests } of problems.length > 0 ? [] : chosen) {
    const path = join(copy, file);
    const text = readFileSync(path, 'utf8');
    if (text.split(find).length !== 2) {
      problems.push(`no longer fits the sources: ${what} (${file})`);
      continue;
    }
    writeFileSync(
      path,
      text.replace(find, () => put),
    );
    // The first filter is the quickest; the others are asked only where it has noticed nothing.
    const noticed = tests.find((test) => !passes([test]));
    writeFileSync(path, text);
    if (noticed === undefined) problems.push(`NOT CAUGHT: it ${what} (${file})`);
    else caught += 1;
    console.log(
      `${noticed === undefined ? 'MISSED' : 'caught'}  it ${what}${noticed ? `  [${noticed}]` : ''}`,
    );
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
for (const problem of problems) console.log(problem);
console.log(`${caught} of ${chosen.length} mutants caught`);
process.exit(problems.length === 0 ? 0 : 1);
