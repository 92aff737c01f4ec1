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
    // They all know `light-dark()`: one list of colours serves both schemes.
    cssTarget: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    // The first view is well below the budget of 400 kB compressed; views that are opened later come in files of their own.
    chunkSizeWarningLimit: 900,
  },
});

export default config;
