/** `tutti doctor`: whether this machine can run Tutti, and how the orchestrator does that runs here. */
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { messageOf } from '../../base/errors.js';
import { ClientError } from '../../client/errors.js';
import { loadConfig } from '../../config/config.js';
import type { PeerJson } from '../../contract/peer.js';
import { CliError, EXIT } from '../exit.js';
import type { Io } from '../io.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession, type Session } from '../program.js';

type Verdict = 'ok' | 'note' | 'fault';

interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  readonly finding: string;
}

/** Of what `/v1/stats` says. */
interface Running {
  readonly tasks: number;
  readonly nodes: Readonly<Record<string, number>>;
  readonly ages_held?: boolean;
}

const LEAPT =
  'its wall clock has jumped by more than a day, so nothing is removed because of its age until it has run steadily for a day (tutti up --trust-clock)';
const SYNCS = 21;
/** A disk that is slower makes every single result wait noticeably. */
const SLOW_SYNC_MS = 20;

export function doctorCommand(program: Command, io: Io): void {
  clientCommand(program, 'doctor', 'Check the installation, the ports, the disk and a running orchestrator')
    .option('--data <DIR>', 'the data directory whose disk is tested (TUTTI_DATA)')
    .action(async (options: CommonOptions & { readonly data?: string }) => {
      const session = openSession(options, io);
      const running = await runningOrchestrator(session);
      const findings = [
        nodeVersion(),
        ...(await nativeModules()),
        await syncLatency(options.data ?? loadConfig({ flags: {}, env: io.env }).data),
        ...(running.verdict === 'ok' ? await standbys(session) : await ports(io)),
        running,
      ];
      session.print({ findings }, () =>
        table(
          ['CHECK', 'VERDICT', 'FINDING'],
          findings.map(({ check, verdict, finding }) => [check, verdict, finding]),
        ),
      );
      const faults = findings.filter(({ verdict }) => verdict === 'fault');
      if (faults.length > 0) {
        const names = faults.map(({ check }) => check).join(', ');
        throw new CliError(EXIT.failed, 'unfit', `Some checks failed: ${names}.`, { answered: true });
      }
    });
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = major > 20 || (major === 20 && minor >= 19);
  const finding = fits ? process.versions.node : `${process.versions.node}: 20.19 or newer is needed`;
  return { check: 'Node.js', verdict: fits ? 'ok' : 'fault', finding };
}

/** Those parts that are compiled for one kind of machine. */
async function nativeModules(): Promise<Finding[]> {
  const parts = [
    ['ZeroMQ', () => import('../../bus/zeromq-node.js')],
    ['LMDB', () => import('../../store/lmdb.js')],
  ] as const;
  return Promise.all(
    parts.map(async ([check, load]): Promise<Finding> => {
      try {
        await load();
        return { check, verdict: 'ok', finding: `loads on ${process.platform} ${process.arch}` };
      } catch (thrown) {
        return { check, verdict: 'fault', finding: messageOf(thrown) };
      }
    }),
  );
}

/** The floor of every latency: nothing is answered before it is synced. */
async function syncLatency(data: string): Promise<Finding> {
  const check = 'disk sync';
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(await existing(data), 'tutti-doctor-'));
    const file = await open(join(folder, 'probe'), 'w');
    const took: number[] = [];
    for (let round = 0; round < SYNCS; round += 1) {
      const start = performance.now();
      await file.write(Buffer.alloc(4096, round), 0, 4096, 0);
      await file.datasync();
      took.push(performance.now() - start);
    }
    await file.close();
    took.sort((a, b) => a - b);
    const [median, worst] = [took[SYNCS >> 1]!, took.at(-1)!];
    const finding = `median ${median.toFixed(2)} ms, worst of ${SYNCS} ${worst.toFixed(2)} ms, at ${data}`;
    return { check, verdict: median > SLOW_SYNC_MS ? 'note' : 'ok', finding };
  } catch (thrown) {
    return { check, verdict: 'fault', finding: `${data} cannot be written: ${messageOf(thrown)}` };
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/** The folder itself, or the nearest one above it that is there: the data directory may still have to be made. */
async function existing(path: string): Promise<string> {
  try {
    const folder = await open(path, 'r');
    await folder.close();
    return path;
  } catch {
    const parent = dirname(path);
    return parent === path ? tmpdir() : existing(parent);
  }
}

/** The ports that `tutti up` would bind with the environment as it is. */
async function ports(io: Io): Promise<Finding[]> {
  const { host, httpPort, controlPort, outputsPort, eventsPort } = loadConfig({ flags: {}, env: io.env });
  const wanted = { HTTP: httpPort, control: controlPort, outputs: outputsPort, events: eventsPort };
  return Promise.all(
    Object.entries(wanted).map(async ([name, port]): Promise<Finding> => {
      const fault = await bindFault(host, port);
      const finding = fault === undefined ? `${host}:${port} is free` : `${host}:${port}: ${fault}`;
      return { check: `${name} port`, verdict: fault === undefined ? 'ok' : 'fault', finding };
    }),
  );
}

function bindFault(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(messageOf(error)));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

/** Those that wait to take over the store of the orchestrator that runs, if there are any. */
async function standbys({ client }: Session): Promise<Finding[]> {
  const { value } = await client.get<{ readonly items: readonly PeerJson[] }>('/v1/peers');
  const waiting = value.items.filter(({ role }) => role === 'standby').map(({ http }) => http);
  if (waiting.length === 0) return [];
  return [{ check: 'standbys', verdict: 'ok', finding: `wait to take over: ${waiting.join(', ')}` }];
}

async function runningOrchestrator({ client }: Session): Promise<Finding> {
  const check = 'orchestrator';
  try {
    const { value } = await client.get<Running>('/v1/stats');
    const nodes = Object.entries(value.nodes).map(([liveness, count]) => `${count} ${liveness}`);
    const finding = `${client.url} answers: ${value.tasks} unfinished tasks, nodes ${nodes.join(', ')}`;
    return value.ages_held
      ? { check, verdict: 'note', finding: `${finding}; ${LEAPT}` }
      : { check, verdict: 'ok', finding };
  } catch (thrown) {
    const verdict = thrown instanceof ClientError && thrown.code === 'unreachable' ? 'note' : 'fault';
    return { check, verdict, finding: messageOf(thrown) };
  }
}
