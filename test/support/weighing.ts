/** The loop as proposers see it, over a state that holds nothing but graphs. */
import { Journal } from '../../src/orchestrator/core/journal.js';
import { type LoadedGraph, State } from '../../src/orchestrator/core/state.js';
import type { Settings, Turn } from '../../src/orchestrator/core/turn.js';
import { weigh } from '../../src/orchestrator/core/weigh.js';
import { NOTHING_LOADED } from '../../src/orchestrator/loop/load.js';
import { look } from '../../src/orchestrator/proposals/look.js';
import type { Proposals } from '../../src/orchestrator/proposals/proposals.js';
import type { Store } from '../../src/store/store.js';

export function weighing(
  store: Store,
  epoch: number,
  graphs: ReadonlyMap<string, readonly LoadedGraph[]> = new Map(),
): Proposals {
  return {
    async propose(proposal) {
      const matter = await look(store, proposal);
      const state = new State();
      for (const graph of [...graphs.values()].flat()) state.addGraph(graph);
      const journal = new Journal(0, 0, state.undo);
      const ids = { uuid: () => '', secret: () => '' };
      const turn: Turn = {
        ...{ state, journal, ids, loaded: NOTHING_LOADED, nowMs: 0, wallMs: 0 },
        settings: {} as Settings,
      };
      const weighed = weigh(turn, matter, undefined);
      const { kind } = await store.commit(epoch, journal.writes);
      return kind === 'committed' ? weighed : { kind: kind === 'full' ? 'no room' : 'stopped' };
    },
  };
}
