/// <reference lib="dom" />
/** What the page makes of things that it did not expect: titles, sizes, addresses. */
import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { accessibilityFaults, browsing, eventually } from './browser.js';

const { open } = browsing();
const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;

beforeAll(async () => {
  orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
});

describe('titles', () => {
  const TITLES: readonly (readonly [string, string | RegExp])[] = [
    ['W'.repeat(1000), 'W'.repeat(1000)],
    ['long words '.repeat(90).trim(), 'long words '.repeat(90).trim()],
    ['x\u202egnp.exe', 'x\\u202egnp.exe'],
    ['a\u2067b', 'a\\u2067b'],
    ['שלום 123', 'שלום 123'],
    ['\u001b]52;c;eA==\u0007', '\\u001b]52;c;eA==\\u0007'],
    ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
    ['👩‍👩‍👧 café', '👩‍👩‍👧 café'],
    ['   ', /^Problem [0-9a-f]{8}$/],
    ['\u200b\u3164', /^Problem [0-9a-f]{8}$/],
    ['\u202e', /^Problem [0-9a-f]{8}$/],
    ['', /^Problem [0-9a-f]{8}$/],
  ];

  it.each(TITLES)('%j is shown within its place, and changes nothing around it', async (title, shown) => {
    const ctx = { onTestFinished } as unknown as Parameters<typeof open>[0];
    const { problem_id } = await orchestrator.submit('one', {}, { title });
    const { page, faults } = await open(ctx, `${orchestrator.ready.http}/?problem=${problem_id}`);
    const heading = page.locator('#task-title');
    await heading.waitFor();
    await eventually(async () => expect((await heading.innerText()).trim()).toMatch(exactly(shown)));
    const row = page.locator('a.row[aria-current="true"]');
    await row.waitFor();
    // A row may be drawn before its problem has been read.
    await eventually(async () =>
      expect((await row.locator('.row-title').innerText()).trim()).toMatch(exactly(shown)),
    );
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    for (const one of [heading, row.locator('.row-title')]) {
      // What is drawn anew has no place for a moment.
      await eventually(async () => {
        const [inner, outer] = [await one.boundingBox(), await page.locator('body').boundingBox()];
        expect(inner!.x + inner!.width).toBeLessThanOrEqual(outer!.x + outer!.width + 1);
      });
    }
    expect(faults).toEqual([]);
  });

  function exactly(shown: string | RegExp): RegExp {
    return typeof shown === 'string'
      ? new RegExp(`^${shown.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}$`)
      : shown;
  }
});

describe('a graph of 500 modules', () => {
  it.each([
    ['in one row', (index: number) => (index === 0 ? 'text' : `m${index - 1}`)],
    ['side by side', () => 'text'],
  ])('%s is seen whole', async (shape, input) => {
    const ctx = { onTestFinished } as unknown as Parameters<typeof open>[0];
    const name = shape.replaceAll(' ', '_');
    const modules = Array.from(
      { length: 500 },
      (_, index) => `  m${index}: { inputs: [${input(index)}], output: json }\n`,
    );
    const put = await fetch(`${orchestrator.ready.http}/v1/graphs/${name}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/yaml' },
      body: `name: ${name}\nsource: { name: text, type: json }\nmodules:\n${modules.join('')}`,
    });
    expect(put.status).toBe(201);
    const { problem_id } = await orchestrator.submit(name, {});
    const { page } = await open(ctx, `${orchestrator.ready.http}/?problem=${problem_id}`);
    await page.locator('.react-flow__node').first().waitFor();
    await page.getByRole('button', { name: 'Show the whole graph' }).click();
    await eventually(async () => {
      const outside = await page.evaluate(() => {
        const frame = document.querySelector('.canvas')!.getBoundingClientRect();
        const cards = [...document.querySelectorAll('.react-flow__node')];
        const isInside = (box: DOMRect): boolean =>
          box.left >= frame.left - 1 &&
          box.right <= frame.right + 1 &&
          box.top >= frame.top - 1 &&
          box.bottom <= frame.bottom + 1;
        return [cards.length, cards.filter((card) => !isInside(card.getBoundingClientRect())).length];
      });
      expect(outside).toEqual([501, 0]);
    });
  });
});

describe('addresses', () => {
  it('deeper than the page lead to what they name, or to a page that says that there is nothing', async (ctx) => {
    const { problem_id } = await orchestrator.submit('one', {}, { title: 'found by its path' });
    const { page } = await open(ctx, `${orchestrator.ready.http}/problems/${problem_id}/iterations/1`);
    await page.getByRole('heading', { name: 'found by its path' }).waitFor();
    await page.goto(`${orchestrator.ready.http}/nodes/`);
    await page.getByRole('heading', { name: 'Nodes' }).waitFor();
    await page.goto(`${orchestrator.ready.http}/reports/of/yesterday`);
    await page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('link', { name: "Go to Tutti's page" }).click();
    await page.getByRole('heading', { name: 'Activity' }).waitFor();
    for (const path of ['v1/nothing', 'assets/none.js']) {
      const response = await fetch(`${orchestrator.ready.http}/${path}`, {
        headers: { accept: 'text/html' },
      });
      const { error } = (await response.json()) as { error: { code: string; hint: string } };
      expect([path, response.status, error.code]).toEqual([path, 404, 'not_found']);
      expect(error.hint).toContain('The page is at /');
    }
  });

  it('behind a proxy with a prefix show the page and its data', async () => {
    const ctx = { onTestFinished } as unknown as Parameters<typeof open>[0];
    const { port: upstream } = new URL(orchestrator.ready.http);
    const behind = (url = ''): string => url.replace(/^\/some\/where/, '');
    const proxy = createServer((incoming, answer) => {
      const { url, method, headers } = incoming;
      const asked = request({ port: upstream, host: '127.0.0.1', path: behind(url), method, headers });
      asked.on('response', (response) => {
        answer.writeHead(response.statusCode!, response.headers);
        response.pipe(answer);
      });
      incoming.pipe(asked);
    });
    proxy.on('upgrade', ({ url, rawHeaders }, socket) => {
      const server = connect(Number(upstream), '127.0.0.1');
      const lines = rawHeaders.flatMap((name, index) =>
        index % 2 ? [] : [`${name}: ${rawHeaders[index + 1]}`],
      );
      server.write(`GET ${behind(url)} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      socket.pipe(server).pipe(socket);
      for (const one of [socket, server]) one.on('error', () => {});
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      proxy.close();
      proxy.closeAllConnections();
    });
    const { problem_id } = await orchestrator.submit('one', {}, { title: 'behind a proxy' });
    const { port } = proxy.address() as AddressInfo;
    const { page } = await open(ctx, `http://127.0.0.1:${port}/some/where/?problem=${problem_id}`);
    await page.getByRole('heading', { name: 'behind a proxy' }).waitFor();
  });
});

describe('a table for spreadsheets', () => {
  it('is downloaded with its formulas made inert', async () => {
    const ctx = { onTestFinished } as unknown as Parameters<typeof open>[0];
    const { problem_id } = await orchestrator.submit('one', { a: '=1+1' });
    const { page } = await open(ctx, `${orchestrator.ready.http}/?page=iterations&problem=${problem_id}`);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download for spreadsheets' }).click(),
    ]);
    const text = await readFile((await file.path())!, 'utf8');
    expect(text.startsWith('\ufeffproblem_id,')).toBe(true);
    expect(text).toContain(`"'=1+1"`);
  });
});
