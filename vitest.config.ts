import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const sdk = fileURLToPath(new URL('./src/sdk/index.ts', import.meta.url));
const shared = { testTimeout: 30_000, hookTimeout: 60_000 };

/** Real processes: one file after the other, so that each has the machine. */
const WITH_PROCESSES = ['e2e', 'browser', 'chaos', 'node-kit', 'python'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

export default defineConfig({
  resolve: { alias: { 'tutti/sdk': sdk } },
  test: {
    // Two cores: more workers only disturb the timing of the others.
    maxWorkers: 2,
    maxConcurrency: 2,
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: WITH_PROCESSES,
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          name: 'e2e',
          include: WITH_PROCESSES,
          fileParallelism: false,
          testTimeout: 120_000,
        },
      },
    ],
  },
});
