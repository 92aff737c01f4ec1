import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const sdk = fileURLToPath(new URL('./src/sdk/index.ts', import.meta.url));

export default defineConfig({
  resolve: { alias: { 'tutti/sdk': sdk } },
  test: {
    include: ['test/**/*.test.ts'],
    // Two cores: more workers only make the timing of the others worse.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
