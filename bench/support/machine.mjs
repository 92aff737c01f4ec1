/** Where and with what a run was made. */
import { spawnSync } from 'node:child_process';
import { readFileSync, statfsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const PACKAGES = ['zeromq', 'lmdb', 'protobufjs', 'fastify', 'ws', 'bullmq', 'ioredis', 'undici'];

/** @param {string} name */
function versionOf(name) {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return String(JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')).version);
    } catch {
      // The next folder may have it.
    }
  }
  return 'missing';
}

/** @param {string} program @param {readonly string[]} args */
function firstLine(program, args) {
  return spawnSync(program, args, { encoding: 'utf8' }).stdout?.split('\n')[0]?.trim() || 'missing';
}

/** @param {string} root of the checkout @param {string} data where the stores are */
export function describeMachine(root, data) {
  const { type } = statfsSync(data);
  return {
    at: new Date().toISOString(),
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    file_system: `0x${type.toString(16)}`,
    load_before: loadavg()[0],
    commit: firstLine('git', ['-C', root, 'rev-parse', '--short', 'HEAD']),
    node: process.version,
    redis: firstLine('redis-server', ['--version']),
    packages: Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
  };
}

/** Sectors, whatever the disk's own are. */
const SECTOR_BYTES = 512;

/**
 * Bytes written to the disk beneath a folder so far, by whomever. A process's own count is none: it takes a whole folio of the
 * page cache for written where a page of it was. NaN where the system does not tell.
 * @param {string} folder
 */
export function writtenBytes(folder) {
  const { dev } = statSync(folder);
  const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
  try {
    const fields = readFileSync(`/sys/dev/block/${major}:${minor}/stat`, 'utf8').trim().split(/\s+/);
    return Number(fields[6]) * SECTOR_BYTES;
  } catch {
    return Number.NaN;
  }
}
