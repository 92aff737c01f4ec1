import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const FIXTURE = 'start-and-stop';

describe('a process that used the ZeroMQ buses', () => {
  let folder: string;

  beforeAll(async () => {
    // Below node_modules, so that the compiled fixture finds its packages.
    folder = await mkdtemp(join('node_modules', '.bus-exit-'));
    await build({
      configFile: false,
      logLevel: 'error',
      build: {
        ssr: join('test/bus/fixtures', `${FIXTURE}.ts`),
        outDir: folder,
        rolldownOptions: { output: { entryFileNames: '[name].mjs' } },
      },
    });
  });

  afterAll(() => rm(folder, { recursive: true }));

  it('ends by itself once they are stopped', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, `${FIXTURE}.mjs`)]);
    expect(stdout).toBe('stopped\n');
  });
});
