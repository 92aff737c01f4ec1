/** Loops in words. */
import type { LoopJson } from '../../../../src/contract/graph.js';
import type { ModuleJson } from '../../../../src/contract/iteration.js';
import type { LoopEnd } from '../../../../src/model/loop.js';

/** `pass 3 of at most 10`; nothing of a module that is in no loop. */
export function passWords(
  { pass }: Pick<ModuleJson, 'pass'>,
  loop: LoopJson | undefined,
): string | undefined {
  if (pass === null) return undefined;
  return loop ? `pass ${pass} of at most ${loop.max}` : `pass ${pass}`;
}

/** Why there is no further pass. */
export function loopEndWords(end: LoopEnd | null): string {
  switch (end) {
    case null:
      return '';
    case 'until':
      return 'its condition holds';
    case 'exhausted':
    case 'max':
      return 'that was the last pass';
    case 'failed':
      return 'a module of it failed';
    case 'skipped':
      return 'its last module was skipped';
    default:
      return end satisfies never;
  }
}

export function loopOf(loops: readonly LoopJson[] | undefined, module: string): LoopJson | undefined {
  return loops?.find(({ modules }) => modules.includes(module));
}
