/**
 * How the page bears a large store: `node test/browser/measure.mjs [--problems 100000] [--events 20000] [--minutes 10]`, after a build.
 * Prints, in milliseconds and MB: the first view with that many problems stored, the longest frame while the list is scrolled and while a
 * task of that many events is scrubbed, and the heap (after a collection) over minutes of about 200 events a second.
 * Not measured: painting on a screen (Chromium runs headless), a slow network.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const { values } = parseArgs({
  options: {
    problems: { type: 'string', default: '100000' },
    events: { type: 'string', default: '20000' },
    minutes: { type: 'string', default: '10' },
  },
});
const [problems, eventCount, minutes] = [values.problems, values.events, values.minutes].map(Number);
const root = fileURLToPath(new URL('../..', import.meta.url));
const data = mkdtempSync(join(tmpdir(), 'tutti-measure-'));
const children = [];
/** Of the graph `one`. */
const MODULE = 'work';

function start(args, env = {}) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

function lineOf(child, beginning) {
  return new Promise((resolve) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const line = text.split('\n').find((one) => one.startsWith(beginning));
      if (line !== undefined) resolve(line.slice(beginning.length));
    });
  });
}

const say = (name, figure) => console.log(`${name.padEnd(64)} ${figure}`);

try {
  await measure();
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(data, { recursive: true, force: true });
}

async function measure() {
  console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`);
  const ports = ['http', 'control', 'outputs', 'events'].flatMap((name) => [`--${name}-port`, '0']);
  const graphs = ['one', 'pair'].flatMap((name) => ['--graph', `test/e2e/graphs/${name}.yaml`]);
  const open = async () => {
    const up = start([
      'dist/src/cli/main.js',
      'up',
      '--data',
      data,
      '--log-level',
      'warn',
      ...ports,
      ...graphs,
    ]);
    const { http, control } = JSON.parse(await lineOf(up, 'ready '));
    const env = {
      TUTTI_CONTROL: control,
      TUTTI_MODULE: MODULE,
      TUTTI_INSTANCE: 'noisy',
      TUTTI_LOG_LEVEL: 'warn',
    };
    const node = start(['test/browser/nodes/noisy.mjs'], env);
    const submit = async (graph, title, input = {}) => {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ graph, title, input });
      const reply = await fetch(`${http}/v1/problems`, { method: 'POST', headers, body });
      if (!reply.ok) throw new Error(await reply.text());
      return reply.json();
    };
    const ended = async ({ problem_id }) => {
      for (;;) {
        const { state } = await (await fetch(`${http}/v1/problems/${problem_id}`)).json();
        if (state !== 'waiting' && state !== 'running') return;
        await pause(250);
      }
    };
    return { http, control, submit, ended, up, node };
  };

  // One task is solved; the history is that task many times over.
  const first = await open();
  await first.ended(await first.submit('one', 'one of many'));
  first.node.kill('SIGKILL');
  first.up.kill('SIGTERM');
  await new Promise((resolve) => first.up.once('exit', resolve));
  const wish = { dist: join(root, 'dist'), dir: join(data, 'store'), iterations: problems, longest: 1 };
  const made = start(['bench/workers/make-history.mjs', JSON.stringify(wish)]);
  made.stdout.resume();
  const code = await new Promise((resolve) => made.once('exit', resolve));
  if (code !== 0) throw new Error('the history could not be made');
  const { http, control, submit, ended } = await open();
  const noisy = await submit('one', 'many events', { lines: eventCount });
  await ended(noisy);

  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-sync',
    ],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(120_000);
    await page.addInitScript(() => {
      globalThis.frames = async (run) => {
        const lengths = [];
        let before = performance.now();
        for (let more = true; more; ) {
          more = run(lengths.length);
          await new Promise((resolve) => requestAnimationFrame(resolve));
          const now = performance.now();
          lengths.push(now - before);
          before = now;
        }
        lengths.sort((a, b) => a - b);
        const [median, max] = [lengths[lengths.length >> 1], lengths.at(-1)];
        return { median, max, count: lengths.length, over: lengths.filter((ms) => ms > 100).length };
      };
      const seen = new MutationObserver(() => {
        if (document.querySelector('.rows > li') && globalThis.firstView === undefined)
          requestAnimationFrame(() => (globalThis.firstView = performance.now()));
      });
      seen.observe(document, { childList: true, subtree: true });
    });
    const firstViews = [];
    for (let round = 0; round < 5; round += 1) {
      await page.goto(`${http}/`);
      await page.waitForFunction(() => globalThis.firstView !== undefined);
      firstViews.push(await page.evaluate(() => globalThis.firstView));
    }
    say(
      `first view of ${problems} problems (5 times)`,
      firstViews.map((ms) => `${Math.round(ms)} ms`).join(', '),
    );

    const describe = ({ median, max, count, over }) =>
      `${count} frames: median ${Math.round(median)} ms, longest ${Math.round(max)} ms, ${over} over 100 ms`;
    await page.waitForTimeout(1000);
    const scrolled = await page.evaluate(() =>
      globalThis.frames((frame) => {
        const box = document.querySelector('.rows-scroller');
        box.scrollTop += 400;
        return frame < 600;
      }),
    );
    const reached = await page.evaluate(() =>
      Math.round(document.querySelector('.rows-scroller').scrollTop / 60),
    );
    say(`scrolling down to row ${reached}`, describe(scrolled));
    const flung = await page.evaluate(() =>
      globalThis.frames((frame) => {
        const box = document.querySelector('.rows-scroller');
        box.scrollTop = frame % 2 ? 0 : box.scrollHeight;
        return frame < 60;
      }),
    );
    say('jumping between the ends of what is read', describe(flung));

    const opened = performance.now();
    await page.goto(`${http}/?problem=${noisy.problem_id}&iteration=1&module=${MODULE}`);
    await page.locator('.scrubber-range').waitFor();
    const count = Number(await page.locator('.scrubber-range').getAttribute('max'));
    say(
      `a task of ${count} events opened, panel with its log`,
      `${Math.round(performance.now() - opened)} ms`,
    );
    await page.waitForTimeout(1000);
    const scrubbed = await page.evaluate((last) => {
      const range = document.querySelector('.scrubber-range');
      const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
      return globalThis.frames((frame) => {
        set.call(range, String(1 + Math.floor(((frame * 7919) % 300) * (last / 300))));
        range.dispatchEvent(new Event('input', { bubbles: true }));
        return frame < 300;
      });
    }, count);
    say('scrubbing all over it', describe(scrubbed));
    const dragged = async (part) => {
      await page.goto(`${http}/?problem=${noisy.problem_id}&iteration=1${part}`);
      await page.locator('.scrubber-range').waitFor();
      await page.waitForTimeout(1000);
      return page.evaluate((last) => {
        const range = document.querySelector('.scrubber-range');
        const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
        return globalThis.frames((frame) => {
          // There and back, as a hand drags it; a hand that is faster than the page says several places in a frame.
          for (const ahead of [0, 0.5]) {
            const at = ((frame + ahead) % 200) / 100;
            set.call(range, String(1 + Math.floor((at < 1 ? at : 2 - at) * (last - 1))));
            range.dispatchEvent(new Event('input', { bubbles: true }));
          }
          return frame < 300;
        });
      }, count);
    };
    for (const [where, part] of [
      ['beside its timeline', ''],
      ['beside its history', '&part=history'],
      ['beside its log', '&part=log'],
    ])
      say(`dragging the scrubber ${where}`, describe(await dragged(part)));

    if (minutes > 0) await heap(page, browser, { http, control, submit });
  } finally {
    await browser.close();
  }
}

/** Two modules that answer at once: a problem gives about fourteen events. */
async function heap(page, _browser, { http, control, submit }) {
  for (const module of ['first', 'second']) {
    const env = {
      TUTTI_CONTROL: control,
      TUTTI_MODULE: module,
      TUTTI_INSTANCE: module,
      PLAYER_CAPACITY: '64',
    };
    start(['test/e2e/nodes/player.mjs'], env);
  }
  const client = await page.context().newCDPSession(page);
  const used = async () => {
    await client.send('HeapProfiler.collectGarbage');
    return (await client.send('Runtime.getHeapUsage')).usedSize / 1e6;
  };
  // Those that were waiting are worked off first; what comes then is what is measured.
  for (;;) {
    const { items } = await (await fetch(`${http}/v1/problems?state=waiting&limit=1`)).json();
    if (items.length === 0) break;
    await pause(1000);
  }
  const shown = await submit('pair', 'shown all the while');
  await page.goto(`${http}/?problem=${shown.problem_id}`);
  const cursor = async () => Number((await fetch(`${http}/v1/stats`)).headers.get('tutti-cursor'));
  const figures = [];
  const before = { at: performance.now(), cursor: await cursor() };
  const end = performance.now() + minutes * 60_000;
  let look = performance.now() + 15_000;
  while (performance.now() < end) {
    await submit('pair', 'one of many');
    await pause(62);
    if (performance.now() < look) continue;
    look += 60_000;
    figures.push(await used());
  }
  const rate = ((await cursor()) - before.cursor) / ((performance.now() - before.at) / 1000);
  say(
    `heap over ${minutes} min at ${Math.round(rate)} events a second`,
    `${figures.map((mb) => mb.toFixed(1)).join(', ')} MB`,
  );
}
