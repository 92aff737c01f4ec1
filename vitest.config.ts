import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const sdk = fileURLToPath(new URL('./src/sdk/index.ts', import.meta.url));
const shared = {
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // What is there at once on an idle machine may take its time where processes start beside it: only what never comes fails.
  expect: { poll: { timeout: 10_000 } },
};

/** Real processes: nodes in both languages, the node kit, the tutorial, the page in a browser. */
const E2E = [
  ...['attack', 'client', 'e2e', 'node-kit', 'python', 'browser'].map(
    (folder) => `test/${folder}/**/*.test.ts`,
  ),
  'test/docs/write-a-node.test.ts',
];

/** Those of them that say how long something may take, or draw pages: one after the other, so that each has the machine. */
const TIMED = [
  'browser/*',
  ...['attack/clock', 'attack/encrypted', 'attack/http', 'attack/sockets'],
  ...['e2e/bounds', 'e2e/bursts', 'e2e/pauses', 'e2e/queries'],
].map((file) => `test/${file}.test.ts`);

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
          setupFiles: ['test/support/draws.ts'],
          include: ['test/**/*.test.ts'],
          exclude: E2E,
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          name: 'e2e',
          include: E2E,
          exclude: TIMED,
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          name: 'timed',
          include: TIMED,
          fileParallelism: false,
          testTimeout: 120_000,
        },
      },
    ],
  },
});
