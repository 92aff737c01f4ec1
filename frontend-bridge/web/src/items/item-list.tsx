import { useQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, type ReactNode, useEffect, useRef } from 'react';
import type { ItemJson } from '../../../../src/contract/iteration.js';
import type { ModuleState } from '../../../../src/model/execution.js';
import { ITEM_PAGE, itemPageQuery, type OfModule } from '../api/queries.js';
import { Chip } from '../display/chip.js';
import { Elapsed } from '../display/time.js';
import { toneOf } from '../display/tone.js';
import { stateAt } from '../state/items-reducer.js';
import type { Numbers } from './grid.js';

/** The height of each row; the stylesheet has the same. */
const ROW_PX = 32;
const OVERSCAN = 6;

export interface ItemListProps {
  readonly of: OfModule;
  readonly states: Uint8Array;
  /** Those that are listed. */
  readonly numbers: Numbers;
  /** The state that all of them are in, where they are chosen by it. */
  readonly filter: ModuleState | undefined;
  /** By number, the items at the moment that is shown, where it is not now. */
  readonly past: readonly ItemJson[] | undefined;
  readonly asOf: string | undefined;
  readonly instances: ReadonlyMap<string, string>;
  readonly selected: number | undefined;
  readonly onSelect: (item: number) => void;
}

/** Any number of items; only those in sight are drawn, and read page by page. */
export function ItemList(props: ItemListProps): ReactNode {
  const { states, numbers, filter, past, selected, onSelect } = props;
  const scroller = useRef<HTMLElement>(null);
  const rows = useVirtualizer({
    count: numbers.count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another item or another filter is a reason to move.
  useEffect(() => {
    const index = selected === undefined ? -1 : numbers.indexOf(selected);
    if (index >= 0 && index < numbers.count) rows.scrollToIndex(index, { align: 'auto' });
  }, [selected, filter, numbers.count > 0]);
  const drawn = rows.getVirtualItems();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled with the keyboard.
    <section ref={scroller} className="item-scroller" tabIndex={0} aria-label="Items in their order">
      <ol style={{ height: rows.getTotalSize(), paddingBlockStart: drawn[0]?.start }}>
        {drawn.map(({ index }) => {
          const item = numbers.at(index);
          const common = {
            ...{ item, instances: props.instances, asOf: props.asOf, onSelect },
            state: stateAt(states, item),
            isSelected: item === selected,
          };
          return (
            <li key={item} aria-setsize={numbers.count} aria-posinset={index + 1}>
              {past ? (
                <Row {...common} known={past[item]} />
              ) : (
                <ReadRow {...common} of={props.of} filter={filter} from={startOf(numbers, index, filter)} />
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}

/**
 * Where the page begins that a row is on. Of those in a state, the beginning moves as items come and go: rounded, it seldom is another
 * page.
 */
function startOf(numbers: Numbers, index: number, filter: ModuleState | undefined): number {
  const first = numbers.at(index - (index % ITEM_PAGE));
  return filter === undefined ? first : first - (first % ITEM_PAGE);
}

interface RowProps {
  readonly item: number;
  readonly state: ModuleState;
  readonly isSelected: boolean;
  readonly instances: ReadonlyMap<string, string>;
  readonly asOf: string | undefined;
  readonly onSelect: (item: number) => void;
}

function ReadRow(
  props: RowProps & { of: OfModule; filter: ModuleState | undefined; from: number },
): ReactNode {
  const { of, filter, from, ...row } = props;
  const page = useQuery(itemPageQuery(of, from, filter));
  const known = page.data?.view.items.find(({ item }) => item === row.item);
  return <Row {...row} known={known} fault={page.error?.message} />;
}

/** `known`: as much as has been read; its state is known before. */
const Row = memo(function Row(
  props: RowProps & { known: ItemJson | undefined; fault?: string | undefined },
): ReactNode {
  const { item, state, known, instances, asOf, isSelected, onSelect, fault } = props;
  return (
    <button type="button" className="item-row" aria-pressed={isSelected} onClick={() => onSelect(item)}>
      <span className="figure item-number">{item}</span>
      <Chip tone={toneOf(state)}>{state}</Chip>
      <span className="item-note">{fault ?? (known && noteOf(known, instances))}</span>
      <span className="figure item-time">
        {known?.assigned_at && state !== 'waiting' && (
          <Elapsed since={known.assigned_at} until={known.finished_at ?? asOf ?? null} />
        )}
      </span>
    </button>
  );
});

function noteOf(item: ItemJson, instances: ReadonlyMap<string, string>): string {
  const attempt = item.attempt !== null && item.attempt > 1 ? `attempt ${item.attempt} · ` : '';
  if (item.cached_from) return 'took a result from the cache';
  if (item.state === 'waiting') return attempt + (item.waiting_reason ?? '');
  if (item.error) return attempt + item.error.message;
  return attempt + (item.node_id === null ? '' : (instances.get(item.node_id) ?? ''));
}
