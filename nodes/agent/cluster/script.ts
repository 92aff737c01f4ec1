/** The fixed programs that run on a cluster, and the one way in which arguments get to them: as lines on stdin. */
import { readFileSync } from 'node:fs';

const text = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

/** Answers requests; `request.sh` says how. */
export const ANSWER_SCRIPT: string = text('members.sh') + text('request.sh');
/** Stays with a command until it has ended. */
export const RUNNER_SCRIPT: string = `#!/bin/sh\n${text('members.sh')}${text('runner.sh')}`;
/** The job script for Torque. */
export const TORQUE_SCRIPT: string = text('torque.sh');

/** Each value on a line of its own, whatever it contains. A NUL byte, which no argument can hold, is refused. */
export function encodeLines(values: readonly string[]): string {
  return values
    .map((value) => {
      if (value.includes('\0')) throw new RangeError('an argument or a variable contains a NUL byte');
      return `${value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`;
    })
    .join('');
}

/** What a request reads first. */
export function encodeArguments(args: readonly string[]): string {
  return `${args.length}\n${encodeLines(args)}`;
}
