import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useState } from 'react';
import type { ItemJson } from '../../../../src/contract/iteration.js';
import type { ModuleState } from '../../../../src/model/execution.js';
import { itemStatesQuery, type OfModule } from '../api/queries.js';
import { Sign } from '../display/chip.js';
import { toneOf } from '../display/tone.js';
import { codeOf } from '../state/items-reducer.js';
import { useSelection } from '../state/selection.js';
import { formatCount } from './counts.js';
import { countsOf, numbersOf } from './grid.js';
import { HeatStrip } from './heat-strip.js';
import { ItemDetail } from './item-detail.js';
import { ItemList } from './item-list.js';

export interface ItemsPartProps {
  readonly of: OfModule;
  /** Of its output. */
  readonly instances: ReadonlyMap<string, string>;
  /** The moment that is shown and the items at it, where it is not now. */
  readonly asOf: string | undefined;
  readonly past: readonly ItemJson[] | undefined;
}

/** The items of a module with `map`: how all of them stand, a list to look through, and the one that is chosen. */
export function ItemsPart({ of, instances, asOf, past }: ItemsPartProps): ReactNode {
  const [selection, select] = useSelection();
  const [filter, setFilter] = useState<ModuleState>();
  const found = useQuery({ ...itemStatesQuery(of), enabled: past === undefined });
  const states = useMemo(
    () => (past ? Uint8Array.from(past, ({ state }) => codeOf(state)) : found.data?.view.states),
    [past, found.data],
  );
  const counts = useMemo(() => (states ? countsOf(states) : []), [states]);
  const numbers = useMemo(() => numbersOf(states ?? new Uint8Array(), filter), [states, filter]);
  const choose = (item: number | undefined): void =>
    select({ ...selection, item: item === selection.item ? undefined : item });
  if (!states) return <p className={found.error ? 'fault' : 'none'}>{found.error?.message ?? 'Reading …'}</p>;
  const chosen = selection.item !== undefined && selection.item < states.length ? selection.item : undefined;
  const inWords = counts.map(([state, count]) => `${formatCount(count)} ${state}`).join(', ');
  return (
    <div className="items">
      <HeatStrip
        states={states}
        label={`All items in their order: ${inWords}`}
        selected={chosen}
        onSelect={choose}
      />
      <fieldset className="item-filters">
        <legend className="unseen">Only items in a state</legend>
        <button
          type="button"
          className="small"
          aria-pressed={filter === undefined}
          onClick={() => setFilter(undefined)}
        >
          all <span className="figure">{formatCount(states.length)}</span>
        </button>
        {withChosen(counts, filter).map(([state, count]) => (
          <button
            key={state}
            type="button"
            className={`small tone-${toneOf(state).tone}`}
            aria-pressed={filter === state}
            onClick={() => setFilter(state)}
          >
            <Sign glyph={toneOf(state).glyph} /> {state} <span className="figure">{formatCount(count)}</span>
          </button>
        ))}
      </fieldset>
      {numbers.count === 0 ? (
        <p className="none">{filter === undefined ? 'The list is empty.' : `None is ${filter}.`}</p>
      ) : (
        <ItemList
          key={filter ?? ''}
          {...{ of, states, numbers, filter, past, asOf, instances }}
          selected={chosen}
          onSelect={choose}
        />
      )}
      {chosen !== undefined && (
        <ItemDetail
          key={chosen}
          {...{ of, instances, asOf }}
          item={chosen}
          then={past?.[chosen]}
          onClose={() => choose(undefined)}
        />
      )}
    </div>
  );
}

/** A state that is chosen stays there when the last item has left it. */
function withChosen(
  counts: readonly (readonly [state: ModuleState, count: number])[],
  chosen: ModuleState | undefined,
): readonly (readonly [state: ModuleState, count: number])[] {
  const isThere = chosen === undefined || counts.some(([state]) => state === chosen);
  return isThere ? counts : [...counts, [chosen, 0]];
}
