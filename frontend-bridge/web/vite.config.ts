import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type UserConfig } from 'vite';

/**
 * `npx vite build frontend-bridge/web` from the repository's root. Asset addresses are relative, so that the page also works
 * behind a proxy that serves it under a prefix.
 */
const config: UserConfig = defineConfig({
  base: './',
  plugins: [react()],
  build: {
    outDir: fileURLToPath(new URL('../../dist/frontend-bridge/web', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // One page, one file: well below the budget of 350 kB compressed.
    chunkSizeWarningLimit: 900,
  },
});

export default config;
