// Builds the site of the docs: `npm run docs`. The pictures of the tutorial are taken of a running orchestrator, with the files that the
// tutorial shows. `npm run docs -- --no-pictures` leaves them as they are.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build } from 'vitepress';

const root = fileURLToPath(new URL('..', import.meta.url));
const docs = join(root, 'docs');
const pictures = join(docs, '.pictures');
const CHROMIUM = '/usr/bin/chromium';
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
const PATIENCE_MS = 60_000;

/** The blocks of a page that are files: ```python file=nodes.py */
function filesOf(page) {
  const blocks = readFileSync(join(docs, page), 'utf8').matchAll(/^```\w+ file=(\S+)\n([\s\S]*?)^```$/gm);
  return [...blocks].map(([, name, content]) => ({ name, content }));
}

/** A process that ends with this one. */
function start(program, args, { env = {}, cwd }) {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = (prefix) =>
    new Promise((resolve, reject) => {
      let text = '';
      child.stdout.on('data', (chunk) => {
        text += chunk;
        const found = text.split('\n').find((each) => each.startsWith(prefix));
        if (found !== undefined) resolve(found.slice(prefix.length));
      });
      child.once('exit', (code) => reject(new Error(`${program} ${args[0]} ended with ${code}`)));
    });
  const end = () =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', resolve);
      child.kill('SIGTERM');
    });
  return { line, end };
}

async function takePictures() {
  if (!existsSync(CHROMIUM))
    throw new Error(`${CHROMIUM} takes the pictures: install chromium, or give --no-pictures`);
  mkdirSync(pictures, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'tutti-docs-'));
  const started = [];
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    for (const { name, content } of filesOf('tutorial.md')) writeFileSync(join(folder, name), content);
    const ports = ['http', 'control', 'outputs', 'events'].flatMap((name) => [`--${name}-port`, '0']);
    const up = start(
      process.execPath,
      [join(root, 'dist/src/cli/main.js'), 'up', '--data', 'data', '--graph', 'graph.yaml', ...ports],
      { cwd: folder },
    );
    started.push(up);
    const ready = JSON.parse(await up.line('ready '));
    const api = async (path, body) => {
      const response = await fetch(`${ready.http}/v1${path}`, {
        ...(body && {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      });
      if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
      return response.json();
    };
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1.5 });
    page.setDefaultTimeout(PATIENCE_MS);
    const picture = async (name, selection, isThere) => {
      await page.goto(`${ready.http}/?${new URLSearchParams(selection)}`);
      await isThere(page);
      await page.screenshot({ path: join(pictures, `${name}.png`), animations: 'disabled' });
      console.log(`docs/.pictures/${name}.png`);
    };
    const text = (wanted) => (shown) => shown.getByText(wanted).first().waitFor();

    await picture('graph', { page: 'graphs', name: 'line' }, text('judge'));
    const input = { slope: 2, noise: 0.3, rate: 0.02 };
    const { problem_id: problem } = await api('/problems', { graph: 'line', title: 'A first line', input });
    await picture('waiting', { problem, module: 'measure' }, text(/no node plays/i));
    const env = { TUTTI_CONTROL: ready.control, PYTHONPATH: join(root, 'python/src') };
    started.push(start(PYTHON, ['nodes.py'], { cwd: folder, env }));
    await picture('running', { problem, iteration: 1, module: 'fit' }, text(/loss 0/));
    await ended(api, problem, 1);
    await picture('done', { problem, iteration: 1, module: 'judge' }, text(/A (good|poor) fit/));
    await api(`/problems/${problem}/iterations`, { input: { ...input, rate: 0.15 } });
    await ended(api, problem, 2);
    await picture('compare', { page: 'iterations', problem, view: 'compare', compare: '1,2' }, text(/rate/));
  } finally {
    await browser.close();
    for (const each of started.reverse()) await each.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ended(api, problem, iteration) {
  const until = Date.now() + PATIENCE_MS;
  while (Date.now() < until) {
    const { state, error } = await api(`/problems/${problem}/iterations/${iteration}`);
    if (state === 'succeeded') return;
    if (state !== 'waiting' && state !== 'running')
      throw new Error(`the tutorial's task is ${state}: ${error?.message}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("the tutorial's task does not end");
}

if (!process.argv.includes('--no-pictures')) await takePictures();
await build(docs);
