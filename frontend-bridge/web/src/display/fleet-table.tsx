import type { ReactNode } from 'react';

export interface FleetTableProps {
  /** For those who listen. */
  readonly label: string;
  readonly columns: readonly Column[];
  /** The rows; each cell says its column as `data-label`, for narrow screens. */
  readonly children: ReactNode;
}

/** A heading; of numbers, or one that only those hear who listen. */
type Column = string | { readonly name: string; readonly is: 'number' | 'unseen' };

/** A table that scrolls sideways, and stands as a list on a narrow screen. */
export function FleetTable({ label, columns, children }: FleetTableProps): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways can be scrolled with the keyboard.
    <section className="table-scroller" aria-label={label} tabIndex={0}>
      <table className="fleet-table">
        <thead>
          <tr>
            {columns.map((column) => (
              <Heading key={typeof column === 'string' ? column : column.name} column={column} />
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

function Heading({ column }: { column: Column }): ReactNode {
  if (typeof column === 'string') return <th scope="col">{column}</th>;
  if (column.is === 'unseen') {
    return (
      <th scope="col">
        <span className="unseen">{column.name}</span>
      </th>
    );
  }
  return (
    <th scope="col" className="number">
      {column.name}
    </th>
  );
}
