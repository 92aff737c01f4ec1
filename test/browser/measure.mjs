/**
 * How the page bears a large store: `node test/browser/measure.mjs [--problems 100000] [--events 20000] [--minutes 10] [--frames 200]`, after a build.
 * Prints, in milliseconds and MB: the first view with that many problems stored, frames while the list is scrolled and while a task of
 * that many events is scrubbed (dragged through, and jumped about in, beside each list and with the module panel open, which has a log,
 * curves and partial outputs), and the heap (after a collection) over minutes of about 200 events a second. `--profile FILE` writes
 * what the processor did while the task was scrubbed with the panel open, for Chromium's developer tools.
 * Not measured: painting on a screen (Chromium runs headless), a slow network.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
    frames: { type: 'string', default: '200' },
    profile: { type: 'string' },
  },
});
const [problems, eventCount, minutes, frameCount] = [
  values.problems,
  values.events,
  values.minutes,
  values.frames,
].map(Number);
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

function spread(lengths) {
  const sorted = lengths.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  const over = sorted.filter((ms) => ms > 100).length;
  return { median: at(0.5), p95: at(0.95), max: at(1), count: sorted.length, over };
}

function described({ median, p95, max }) {
  return `median ${Math.round(median)} ms, p95 ${Math.round(p95)} ms, longest ${Math.round(max)} ms`;
}

function describe(found) {
  return `${found.count} frames: ${described(found)}, ${found.over} over 100 ms`;
}

/**
 * In the page: the scrubber at some places of a task, one after the other in a frame. How long that frame takes, and how long the one
 * after it, in which plots get their new numbers.
 */
async function scrub([last, shares]) {
  let before = await new Promise((resolve) => requestAnimationFrame(resolve));
  const range = document.querySelector('.scrubber-range');
  const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
  for (const share of shares) {
    set.call(range, String(1 + Math.floor(share * (last - 1))));
    range.dispatchEvent(new Event('input', { bubbles: true }));
  }
  const lengths = [];
  for (let frame = 0; frame < 2; frame += 1) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const now = performance.now();
    lengths.push(now - before);
    before = now;
  }
  return lengths;
}

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
        return lengths;
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
    say(`scrolling down to row ${reached}`, describe(spread(scrolled)));
    const flung = await page.evaluate(() =>
      globalThis.frames((frame) => {
        const box = document.querySelector('.rows-scroller');
        box.scrollTop = frame % 2 ? 0 : box.scrollHeight;
        return frame < 60;
      }),
    );
    say('jumping between the ends of what is read', describe(spread(flung)));

    const opened = performance.now();
    await page.goto(`${http}/?problem=${noisy.problem_id}&iteration=1&module=${MODULE}`);
    await page.locator('.scrubber-range').waitFor();
    const count = Number(await page.locator('.scrubber-range').getAttribute('max'));
    say(
      `a task of ${count} events opened, panel with its log`,
      `${Math.round(performance.now() - opened)} ms`,
    );
    const client = await page.context().newCDPSession(page);
    await client.send('Performance.enable', { timeDomain: 'threadTicks' });
    const busy = async () => {
      const { metrics } = await client.send('Performance.getMetrics');
      return metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
    };
    const scrubbed = async (part, places) => {
      await page.goto(`${http}/?problem=${noisy.problem_id}&iteration=1${part}`);
      await page.locator('.scrubber-range').waitFor();
      await page.waitForTimeout(1000);
      const [wall, processor] = [[], []];
      for (let frame = 0; frame < frameCount; frame += 1) {
        // There and back, as a hand drags it; a hand that is faster than the page says several places in a frame.
        const drag = (place) => {
          const at = (place / frameCount) * 2;
          return at < 1 ? at : 2 - at;
        };
        const jump = ((frame * 7919) % frameCount) / frameCount;
        const shares = places === 'jumping' ? [jump] : [drag(frame), drag(frame + 0.5)];
        const before = await busy();
        wall.push(...(await page.evaluate(scrub, [count, shares])));
        processor.push((await busy()) - before);
      }
      return `${describe(spread(wall))}; of the page's processor for both frames of a step: ${described(spread(processor))}`;
    };
    const panel = `&module=${MODULE}`;
    for (const [where, part] of [
      ['beside the timeline', ''],
      ['beside the history', '&part=history'],
      ['beside the log', '&part=log'],
      ['beside the timeline, panel open', panel],
      ['beside the history, panel open', `${panel}&part=history`],
      ['beside the log, panel open', `${panel}&part=log`],
    ]) {
      const isProfiled = values.profile !== undefined && part === panel;
      if (isProfiled) {
        await client.send('Profiler.enable');
        await client.send('Profiler.start');
      }
      for (const places of ['dragging', 'jumping']) say(`${places} ${where}`, await scrubbed(part, places));
      if (isProfiled) {
        const { profile } = await client.send('Profiler.stop');
        writeFileSync(values.profile, JSON.stringify(profile));
      }
    }

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
