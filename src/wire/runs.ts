/** The work of a run module and what it takes: model to protobuf and back. */
import { MAX_COMMAND_WORD_BYTES } from '../model/limits.js';
import {
  type AssignedRun,
  boundedWords,
  type CommandNote,
  type Resources,
  type RunWork,
} from '../model/run.js';
import { runKeep, runResult, word } from './enums.js';
import { cut, invalid, name, text, time, uint } from './fields.js';
import type { tutti } from './generated/tutti.js';
import { readBlob, writeFetched } from './payloads.js';

type V1Run = tutti.v1.Run.$Properties;
type V1Command = tutti.v1.Command.$Properties;
type V1Resources = tutti.v1.Resources.$Properties;

export function writeRun(run: AssignedRun): V1Run {
  const codes = run.retryExitCodes;
  return {
    ...writeWork(run.work),
    files: run.files.map((file) => ({ path: file.path, blob: writeFetched(file) })),
    env: run.env,
    secrets: run.secrets,
    resources: run.resources,
    result: runResult.numbers[run.result],
    keep: runKeep.numbers[run.keep],
    envReferences: run.envReferences ?? false,
    retryExitCodes: codes ? { codes: codes as number[] } : null,
  };
}

function writeWork(work: RunWork): Pick<V1Run, 'command' | 'script' | 'job'> {
  switch (work.kind) {
    case 'command':
      return { command: { words: work.argv as string[] } };
    case 'script':
      return { script: { path: work.path, args: work.args as string[] } };
    case 'job':
      return { job: {} };
    default:
      return work satisfies never;
  }
}

/** Messages of the orchestrator, which are trusted. */
export function readRun(field: string, run: V1Run): AssignedRun {
  return {
    work: readWork(field, run),
    files: (run.files ?? []).map(({ path, blob }, index) => ({
      path: name(`${field}.files[${index}].path`, path),
      blob: readBlob(`${field}.files[${index}].blob`, blob ?? {}),
      url: text(blob?.url),
    })),
    env: run.env ?? {},
    secrets: run.secrets ?? {},
    resources: readResources(`${field}.resources`, run.resources ?? {}),
    result: word(`${field}.result`, runResult, run.result),
    keep: word(`${field}.keep`, runKeep, run.keep),
    ...(run.envReferences && { envReferences: true }),
    retryExitCodes: run.retryExitCodes ? (run.retryExitCodes.codes ?? []) : undefined,
  };
}

function readWork(field: string, { work, command, script }: V1Run): RunWork {
  switch (work) {
    case 'command':
      return { kind: 'command', argv: command!.words ?? [] };
    case 'script':
      return { kind: 'script', path: name(`${field}.script.path`, script!.path), args: script!.args ?? [] };
    case 'job':
      return { kind: 'job' };
    case undefined:
      return invalid(`${field}.work`, 'absent', 'command, script or job');
    default:
      return work satisfies never;
  }
}

export function writeCommand(note: CommandNote): V1Command {
  const { argv = [], engineId, host, startedAt, endedAt, exitCode, signal, folder } = note;
  return {
    argv: argv as string[],
    engineId: engineId ?? '',
    host: host ?? '',
    startedAt: startedAt ?? 0,
    endedAt: endedAt ?? 0,
    exitCode: exitCode ?? null,
    signal: signal ?? '',
    folder: folder ?? '',
  };
}

export function readCommand(field: string, note: V1Command): CommandNote {
  const argv = boundedWords(note.argv ?? [], (word, maxBytes) => cut(word, maxBytes));
  const { engineId, host, startedAt, endedAt, exitCode, signal, folder } = note;
  return {
    ...(argv.length > 0 && { argv }),
    ...(engineId && { engineId: cut(engineId, MAX_COMMAND_WORD_BYTES) }),
    ...(host && { host: cut(host, MAX_COMMAND_WORD_BYTES) }),
    ...(isSet(startedAt) && { startedAt: time(`${field}.started_at`, startedAt) }),
    ...(isSet(endedAt) && { endedAt: time(`${field}.ended_at`, endedAt) }),
    ...(isGiven(exitCode) && { exitCode: uint(`${field}.exit_code`, exitCode) }),
    ...(signal && { signal: cut(signal, MAX_COMMAND_WORD_BYTES) }),
    ...(folder && { folder: cut(folder, MAX_COMMAND_WORD_BYTES) }),
  };
}

/** Neither absent nor 0, which stands for absent. */
function isSet(value: number | null | undefined): value is number {
  return isGiven(value) && uint('', value) !== 0;
}

export function readResources(field: string, resources: V1Resources): Resources {
  const { memoryBytes, gpus, walltimeMs } = resources;
  return {
    cpus: uint(`${field}.cpus`, resources.cpus, 1),
    ...(isGiven(memoryBytes) && { memoryBytes: uint(`${field}.memory_bytes`, memoryBytes) }),
    ...(isGiven(gpus) && { gpus: uint(`${field}.gpus`, gpus) }),
    ...(isGiven(walltimeMs) && { walltimeMs: uint(`${field}.walltime_ms`, walltimeMs) }),
  };
}

function isGiven<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}
