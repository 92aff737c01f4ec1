/** The items of a module with `map` that are open. */
import type { DurableState } from '../durable.js';
import type { ItemRun, MappingPhase, ModuleRun } from '../task.js';

/** The item, which begins where it has not. */
export function beginItem({ undo }: Pick<DurableState, 'undo'>, phase: MappingPhase, item: number): ItemRun {
  const known = phase.open.get(item);
  if (known) return known;
  if (item !== phase.begun) throw new Error(`item ${item} begins after ${phase.begun} others`);
  const run: ItemRun = {
    phase: { kind: 'waiting', reason: undefined, retry: undefined },
    attempts: 0,
    diedBoots: [],
  };
  undo.set(phase, 'begun', item + 1);
  undo.put(phase.open, item, run);
  return run;
}

export function openItem(run: ModuleRun, item: number): ItemRun {
  const found = mappingOf(run).open.get(item);
  if (!found) throw new Error(`item ${item} has not begun, or is done`);
  return found;
}

export function mappingOf({ phase }: ModuleRun): MappingPhase {
  if (phase.kind !== 'mapping') throw new Error(`a module has items and is ${phase.kind}`);
  return phase;
}

/** Nothing where the module is no longer at work on it. */
export function itemIn({ phase }: ModuleRun, item: number): ItemRun | undefined {
  return phase.kind === 'mapping' ? phase.open.get(item) : undefined;
}
