// Builds the project: `node scripts/build.mjs` (all) or `node scripts/build.mjs proto` (generated code only).
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeClientTypes } from './client-types.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(root, 'node_modules', '.bin', name);
const run = (command, args, env = process.env) =>
  execFileSync(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });

function proto() {
  const out = join(root, 'src/wire/generated');
  mkdirSync(out, { recursive: true });
  run(bin('pbjs'), [
    ...['-t', 'static-module', '-w', 'esm', '-p', 'proto', '--no-verify', '--no-delimited', '--no-service'],
    ...['--no-typeurl', '--no-convert', '--force-number', '-d', '-o', join(out, 'tutti.js')],
    ...['proto/tutti/v1/node.proto', 'proto/tutti/v1/event.proto'],
  ]);
}

/** Data that the compiled code reads beside itself. */
function copyData(folder) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && entry.name !== 'web') copyData(path);
    } else if (/\.(json|yaml|sh)$/.test(entry.name)) {
      cpSync(join(root, path), join(root, 'dist', path));
    }
  }
}

proto();
if (process.argv[2] !== 'proto') {
  await writeClientTypes(root);
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run(bin('tsc'), ['-p', 'tsconfig.json']);
  cpSync(join(root, 'src/wire/generated'), join(root, 'dist/src/wire/generated'), { recursive: true });
  copyData('nodes');
  cpSync(join(root, 'proto'), join(root, 'dist/proto'), { recursive: true });
  const main = join(root, 'dist/src/cli/main.js');
  if (existsSync(main)) chmodSync(main, 0o755);
  if (existsSync(join(root, 'frontend-bridge/web/vite.config.ts'))) {
    // Reading modules for the client's types marks this process as a development one: the page would be built with React's development build.
    const env = { ...process.env, NODE_ENV: 'production' };
    run(bin('vite'), ['build', '--logLevel', 'warn', 'frontend-bridge/web'], env);
  }
}
