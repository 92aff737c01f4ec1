/**
 * `npm run fuzz -- [--minutes N] [--target frames|graph|bodies|all] [--seed S]`. Each target runs in a process of its own for its share of the
 * time, and anew after an input that it did not survive. Findings are written into a folder; exits with 1 when there are any.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ChildOptions, child } from './child.js';

const TARGETS = ['frames', 'graph', 'bodies'] as const;
type Target = (typeof TARGETS)[number];
/** Inputs that end their process are few, or the same one over and over. */
const MOST_DEATHS = 20;
const SHOWN_CHARACTERS = 600;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    target: { type: 'string', default: 'all' },
    seed: { type: 'string' },
    child: { type: 'string' },
  },
});

interface Finding {
  readonly what: string;
  readonly input?: string;
}

interface Report {
  readonly inputs: number;
  readonly blocks: readonly [number, number];
  readonly corpus: number;
  readonly heldMib: number;
  readonly residentMib: number;
}

interface Ran {
  readonly findings: readonly Finding[];
  readonly report: Report | undefined;
}

/** Runs one in a process of its own, to its end or to its death. */
async function ran(options: ChildOptions): Promise<Ran> {
  const flags = ['--expose-gc', '--max-old-space-size=4096', '--enable-source-maps'];
  const program = [process.argv[1]!, '--child', JSON.stringify(options)];
  const started = spawn(process.execPath, [...flags, ...program], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  started.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  started.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  const how = await new Promise<string>((resolve) =>
    started.once('close', (code, signal) => resolve(String(signal ?? code))),
  );
  const lines = stdout.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  const report = lines.find((line) => line.report !== undefined)?.report as Report | undefined;
  const findings = lines.filter((line) => line.what !== undefined) as Finding[];
  if (existsSync(options.lastWords)) {
    findings.push(JSON.parse(readFileSync(options.lastWords, 'utf8')) as Finding);
    rmSync(options.lastWords);
  } else if (report === undefined) findings.push({ what: `the process ended with ${how}: ${stderr}` });
  return { findings, report };
}

async function fuzz(target: Target, ms: number, seed: number, folder: string): Promise<number> {
  const end = performance.now() + ms;
  const total = { inputs: 0, deaths: 0, findings: 0 };
  let last: Report | undefined;
  for (let round = 0; performance.now() < end && total.deaths < MOST_DEATHS; round += 1) {
    const lastWords = join(folder, 'last-words');
    const left = Math.max(1000, end - performance.now());
    const { findings, report } = await ran({
      ...{ root: process.cwd(), target, seed: seed + round, ms: left, lastWords },
    });
    for (const { what, input } of findings) {
      total.findings += 1;
      const file = join(folder, `${target}-${total.findings}`);
      if (input !== undefined) writeFileSync(file, Buffer.from(input, 'base64'));
      console.log(
        `FINDING in ${target}: ${what.slice(0, SHOWN_CHARACTERS)}${input === undefined ? '' : `\n  input: ${file}`}`,
      );
    }
    total.inputs += report?.inputs ?? 0;
    if (report === undefined) total.deaths += 1;
    else last = report;
  }
  const blocks = last === undefined ? 'unknown' : `${last.blocks[0]} -> ${last.blocks[1]}`;
  console.log(
    `${target}: ${total.inputs} inputs, blocks ${blocks}, corpus ${last?.corpus ?? 0}, ${last?.heldMib ?? '?'} MiB held, ` +
      `${last?.residentMib ?? '?'} MiB resident, ${total.findings} findings`,
  );
  if (total.inputs === 0) return total.findings + 1;
  return total.findings;
}

if (values.child !== undefined) {
  await child(JSON.parse(values.child) as ChildOptions);
  process.exit();
}
const wanted = values.target === 'all' ? TARGETS : TARGETS.filter((name) => name === values.target);
if (wanted.length === 0) {
  console.error(`unknown target ${values.target}: one of ${TARGETS.join(', ')}, all`);
  process.exit(2);
}
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const folder = await mkdtemp(join(tmpdir(), 'tutti-fuzz-'));
console.log(`fuzzing with seed ${seed}; findings go to ${folder}`);
let findings = 0;
for (const target of wanted)
  findings += await fuzz(target, (Number(values.minutes) * 60_000) / wanted.length, seed, folder);
if (findings === 0) await rm(folder, { recursive: true, force: true });
console.log(findings === 0 ? 'nothing was found' : `${findings} findings`);
process.exit(findings === 0 ? 0 : 1);
