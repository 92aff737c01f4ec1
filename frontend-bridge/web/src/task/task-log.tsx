import { type ReactNode, useId, useMemo, useState } from 'react';
import { LOG_LEVELS } from '../../../../src/model/protocol.js';
import type { EventJson, LogLevel } from '../api/shapes.js';
import { CopyButton } from '../copying/copy-button.js';
import { downloadText } from '../json/download.js';
import { type LogEntry, readLog } from './history.js';
import { LogLine, logText } from './log-list.js';
import { VirtualLines } from './virtual-lines.js';

export interface TaskLogProps {
  /** All of the task. */
  readonly events: readonly EventJson[];
  /** How many of them had happened at the moment that is shown; without one: all. */
  readonly count: number | undefined;
  /** The module that is chosen: its lines only. */
  readonly module: string | undefined;
  /** What a downloaded file is called, without its ending. */
  readonly name: string;
}

interface Line {
  readonly entry: LogEntry;
  readonly module: string;
}

const LEVEL_WORDS: Readonly<Record<LogLevel, string>> = {
  debug: 'everything',
  info: 'info and above',
  warn: 'warnings and errors',
  error: 'errors only',
};

/** What all modules of a task have logged, in the order in which it came. */
export default function TaskLog({ events, count, module, name }: TaskLogProps): ReactNode {
  const id = useId();
  const [least, setLeast] = useState<LogLevel>('debug');
  const [sought, setSought] = useState('');
  const [wraps, setWraps] = useState(true);
  const [follows, setFollows] = useState(true);
  const all = useMemo(() => linesOf(count === undefined ? events : events.slice(0, count)), [events, count]);
  const lines = useMemo(() => filterLines(all, { least, sought, module }), [all, least, sought, module]);
  const text = (): string => lines.map((line) => `${logText(line.entry, line.module)}\n`).join('');
  return (
    <div className="task-log">
      <div className="list-tools">
        <label className="tool" htmlFor={`${id}-level`}>
          Levels
          <select
            id={`${id}-level`}
            value={least}
            onChange={(change) => setLeast(change.target.value as LogLevel)}
          >
            {LOG_LEVELS.map((level) => (
              <option key={level} value={level}>
                {LEVEL_WORDS[level]}
              </option>
            ))}
          </select>
        </label>
        <label className="tool tool-wide" htmlFor={`${id}-search`}>
          Search
          <input
            id={`${id}-search`}
            type="search"
            autoComplete="off"
            value={sought}
            onChange={(change) => setSought(change.target.value)}
          />
        </label>
        <Check label="Wrap" isOn={wraps} onChange={setWraps} />
        <Check label="Follow" isOn={follows} onChange={setFollows} />
        <span className="tool-end">
          <span className="none figure" role="status">
            {lines.length} of {all.length} lines{module !== undefined && `, of ${module}`}
          </span>
          <button type="button" className="small" onClick={() => downloadText(`${name}.log`, text())}>
            Download
          </button>
        </span>
      </div>
      {lines.length === 0 ? (
        <p className="none">{all.length === 0 ? 'Nothing has been logged.' : 'No line is like that.'}</p>
      ) : (
        <VirtualLines
          label="Log of the task"
          className={wraps ? 'log-tall' : 'log-tall log-unwrapped'}
          count={lines.length}
          keyOf={(index) => lines[index]?.entry.seq ?? index}
          classOf={(index) => `level-${lines[index]?.entry.level}`}
          lineOf={(index) => {
            const line = lines[index];
            if (line === undefined) return null;
            return (
              <>
                <LogLine entry={line.entry} module={line.module} />
                <CopyButton text={logText(line.entry, line.module)} what="this line" />
              </>
            );
          }}
          follows={follows}
          onFollow={setFollows}
        />
      )}
    </div>
  );
}

function Check(props: { label: string; isOn: boolean; onChange: (isOn: boolean) => void }): ReactNode {
  const { label, isOn, onChange } = props;
  return (
    <label className="tool">
      <input type="checkbox" checked={isOn} onChange={(change) => onChange(change.target.checked)} />
      {label}
    </label>
  );
}

function linesOf(events: readonly EventJson[]): Line[] {
  return events.flatMap((event) =>
    event.type === 'execution.log' ? [{ entry: readLog(event), module: event.module ?? '' }] : [],
  );
}

export function filterLines(
  lines: readonly Line[],
  wanted: { readonly least: LogLevel; readonly sought: string; readonly module: string | undefined },
): readonly Line[] {
  const from = LOG_LEVELS.indexOf(wanted.least);
  const sought = wanted.sought.trim().toLowerCase();
  if (from === 0 && sought === '' && wanted.module === undefined) return lines;
  return lines.filter(
    ({ entry, module }) =>
      LOG_LEVELS.indexOf(entry.level) >= from &&
      (wanted.module === undefined || module === wanted.module) &&
      (sought === '' || logText(entry, module).toLowerCase().includes(sought)),
  );
}
