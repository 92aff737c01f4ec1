import { type ReactNode, useMemo } from 'react';
import { TaskChip } from '../display/task-chip.js';
import { Moment } from '../display/time.js';
import { toneOf } from '../display/tone.js';
import { SelectionLink } from '../selection-link.js';
import type { FieldInfo } from './fields.js';
import { layLanes, type Placed } from './lanes.js';
import type { IterationRow } from './use-rows.js';
import { ValueCell } from './value-cell.js';

/** In pixels. */
const LANE = 22;
const ROW = 44;
const DOT = 6;

/** Which iteration went on from which: a line goes on downwards, a branch goes aside. */
export function Tree({
  rows,
  columns,
}: {
  rows: readonly IterationRow[];
  columns: readonly FieldInfo[];
}): ReactNode {
  const { rows: placed, lanes } = useMemo(() => layLanes(rows), [rows]);
  const x = (lane: number): number => LANE / 2 + lane * LANE;
  const y = (row: number): number => ROW / 2 + row * ROW;
  const width = Math.max(1, lanes) * LANE;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard.
    <section className="lineage" tabIndex={0} aria-label="Tree of iterations, scrolls">
      <svg width={width} height={placed.length * ROW} aria-hidden="true" focusable="false">
        {placed.map(({ item, lane, parent }, row) =>
          parent === undefined ? null : (
            <path
              key={item.iteration_id}
              className="branch"
              d={branch(x(parent.lane), y(parent.row), x(lane), y(row))}
            />
          ),
        )}
        {placed.map(({ item, lane }, row) => (
          <circle
            key={item.iteration_id}
            className={`dot tone-${toneOf(item.state).tone}`}
            cx={x(lane)}
            cy={y(row)}
            r={DOT}
          />
        ))}
      </svg>
      <ol>
        {placed.map((one) => (
          <TreeRow key={one.item.iteration_id} placed={one} columns={columns} />
        ))}
      </ol>
    </section>
  );
}

function TreeRow({
  placed,
  columns,
}: {
  placed: Placed<IterationRow>;
  columns: readonly FieldInfo[];
}): ReactNode {
  const { iteration_id: iteration, problem_id: problem, parent_iteration_id: parent, ...row } = placed.item;
  return (
    <li style={{ height: ROW }}>
      <SelectionLink className="iteration-link" to={{ problem, iteration }} current={false}>
        {iteration}
      </SelectionLink>
      <TaskChip state={row.state} standing={row.standing} />
      <span className="lineage-from">
        {parent === null ? 'without parent' : `from ${parent}`}
        {row.reused.length > 0 && `, ${row.reused.length} reused`}
      </span>
      {columns.slice(0, 2).map(({ name, label, unit }) => (
        <span key={name} className="lineage-value">
          <small>{label}</small> <ValueCell value={row.values[name]} unit={unit} />
        </span>
      ))}
      <span className="figure lineage-time">
        <Moment at={row.created_at} date="always" />
      </span>
    </li>
  );
}

/** Straight down within a lane; a branch leaves the lane of its parent in its own row. */
function branch(fromX: number, fromY: number, toX: number, toY: number): string {
  if (fromX === toX) return `M${fromX} ${fromY}V${toY}`;
  return `M${fromX} ${fromY}V${toY - LANE / 2}Q${fromX} ${toY} ${toX} ${toY}`;
}
