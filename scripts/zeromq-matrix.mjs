// The three sockets with CURVE against libzmq's clients: every release of `zeromq` on npm that installs without compiling, and the pyzmq of
// Debian's python3. `node scripts/zeromq-matrix.mjs [VERSION…]`; the versions on npm are asked for unless some are named.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { curveKeyPair } from 'zeromq';
import { keyFromZ85 } from '../dist/src/base/z85.js';
import { createZeromqOrchestratorBus } from '../dist/src/bus/zeromq-orchestrator.js';

const run = promisify(execFile);
const fixtures = fileURLToPath(new URL('../test/bus/fixtures', import.meta.url));
const OLDEST_MAJOR = 5;
const WITHIN_MS = 60_000;
const ANY = 'tcp://127.0.0.1:0';
const LARGEST_BYTES = 10 * 1024 * 1024;

const [server, node] = [curveKeyPair(), curveKeyPair()];
const pair = { publicKey: keyFromZ85(server.publicKey), secretKey: keyFromZ85(server.secretKey) };
const bus = createZeromqOrchestratorBus({
  ...{ control: ANY, outputs: ANY, events: ANY, maxFrameBytes: LARGEST_BYTES },
  security: { keys: () => [pair], admits: (key) => key === node.publicKey },
});
const bound = await bus.start({
  onControl(route, frame) {
    bus.admit(route);
    bus.send(route, Buffer.concat([Buffer.from('re: '), frame]));
  },
  onOutputs: (_topic, frame) => bus.publish('task/secret-problem/', frame),
  onMalformed: () => {},
  onCut: () => {},
  onUnreachable: () => {},
  onDisconnect: () => {},
});
const peer = [server.publicKey, node.publicKey, node.secretKey, bound.control, bound.outputs, bound.events];

/** What a client says at its end, or the last line of its failure. */
async function outcome(program, args) {
  try {
    return (await run(program, [...args, ...peer], { timeout: WITHIN_MS })).stdout.trim();
  } catch (error) {
    failures += 1;
    const [why] = String(error.stderr || error.message).match(/^\w*Error: .*$/m) ?? [String(error.message)];
    return `FAILED: ${why}`;
  }
}

async function published() {
  const { stdout } = await run('npm', ['view', 'zeromq', 'versions', '--json']);
  return JSON.parse(stdout).filter((version) => Number(version.split('.')[0]) >= OLDEST_MAJOR);
}

/** Whether it is installed in this folder and loads as it has come, without a script or a compiler. */
async function isInstalled(folder, version) {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{}');
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-save'];
  await run('npm', ['install', `zeromq@${version}`, ...quiet], { cwd: folder });
  const loads = run(process.execPath, ['-e', "require('zeromq')"], { cwd: folder });
  return loads.then(
    () => true,
    () => false,
  );
}

let failures = 0;
let tried = 0;
const folder = mkdtempSync(join(tmpdir(), 'tutti-zeromqs-'));
try {
  const named = process.argv.slice(2);
  for (const version of named.length > 0 ? named : await published()) {
    const place = join(folder, version);
    if (await isInstalled(place, version)) {
      tried += 1;
      console.log(
        `zeromq ${version}: libzmq ${await outcome(process.execPath, [join(fixtures, 'curve-client.mjs'), place])}`,
      );
    } else console.log(`zeromq ${version}: does not load without compiling`);
    rmSync(place, { recursive: true, force: true });
  }
  const debian = '/usr/bin/python3';
  const { stdout } = await run(debian, [
    '-c',
    'import zmq; print(zmq.__version__, "libzmq", zmq.zmq_version())',
  ]);
  console.log(`pyzmq ${stdout.trim()} ${await outcome(debian, [join(fixtures, 'curve_client.py')])}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
  await bus.stop();
}
if (tried === 0) console.log('FAILED: no release of zeromq could be tried');
process.exit(failures > 0 || tried === 0 ? 1 : 0);
