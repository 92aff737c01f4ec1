import Papa from 'papaparse';
import { type ReactNode, useMemo } from 'react';
import { DataTable } from './data-table.js';
import type { TableData } from './lists.js';

/** A text of comma-separated values, or values separated by tabs or semicolons, as a table. */
export default function CsvTable({ text, name }: { text: string; name: string }): ReactNode {
  const data = useMemo(() => readCsv(text), [text]);
  return <DataTable data={data} label={name} />;
}

/** The first line names the columns. Cells that look like numbers are numbers. */
export function readCsv(text: string): TableData {
  const { data } = Papa.parse<readonly unknown[]>(text.trimEnd(), {
    dynamicTyping: true,
    skipEmptyLines: 'greedy',
  });
  const [head = [], ...rows] = data;
  const columns = head.map((name) => String(name ?? ''));
  return { columns, rows: rows.map((row) => columns.map((_, at) => row[at])) };
}
