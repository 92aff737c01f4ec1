/** A real browser before a real orchestrator. Where Chromium is not installed, the test is skipped and says so. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, type TestContext } from 'vitest';

const CHROMIUM = '/usr/bin/chromium';
const ARGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  // A container's shared memory is small.
  '--disable-dev-shm-usage',
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];
/** What a page may take to show something: the machine is shared with the processes that it waits for. */
const PATIENCE_MS = 40_000;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export interface Browsing {
  /** Opens an address; what goes wrong in the page fails the test that calls `expectNoFaults`. */
  open(ctx: TestContext, address: string, options?: BrowserContextOptions): Promise<OpenPage>;
}

export interface OpenPage {
  readonly page: Page;
  /** Errors and warnings of the page's console, and what it threw. */
  readonly faults: readonly string[];
  /** Hosts that the page spoke to. */
  readonly hosts: ReadonlySet<string>;
}

/** One browser for the file that it is called in; each page has a context, and so a storage, of its own. */
export function browsing(): Browsing {
  let browser: Browser | undefined;
  beforeAll(async () => {
    if (existsSync(CHROMIUM)) browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
  });
  afterAll(() => browser?.close());
  return {
    async open(ctx, address, options = {}) {
      if (browser === undefined) ctx.skip('chromium is not installed');
      const context = await browser!.newContext({ viewport: { width: 1280, height: 900 }, ...options });
      ctx.onTestFinished(() => context.close());
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      const faults: string[] = [];
      const hosts = new Set<string>();
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
      });
      page.on('request', (request) => hosts.add(new URL(request.url()).host));
      await page.goto(address);
      return { page, faults, hosts };
    },
  };
}

/** What axe finds wrong with the page as it is shown now. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: it has just been put there.
    const found = await (globalThis as any).axe.run();
    return found.violations as { id: string; nodes: { html: string }[] }[];
  });
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`);
}

/** Looks until the page is as wanted: it follows a stream, and nobody else says when it is there. */
export async function eventually(look: () => Promise<void>): Promise<void> {
  await expect
    .poll(async () => look().then(() => '', String), { timeout: PATIENCE_MS, interval: 100 })
    .toBe('');
}
