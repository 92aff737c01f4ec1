import { memo, type ReactNode, useCallback, useId, useMemo, useState } from 'react';
import type { LogLevel } from '../../../../src/model/protocol.js';
import { LOG_LEVELS } from '../../../../src/model/protocol.js';
import { CopyButton } from '../copying/copy-button.js';
import { downloadText } from '../json/download.js';
import { countUntil } from './halving.js';
import type { LogEntry } from './history.js';
import { LogLine, logText } from './log-list.js';
import { VirtualLines } from './virtual-lines.js';

export interface TaskLogProps {
  /** All of the task. The list grows in place: `known` is another whenever it has. */
  readonly lines: readonly LogEntry[];
  readonly known: number;
  /** The event `seq` of the moment that is shown; without one: now. */
  readonly until: number | undefined;
  /** The module that is chosen: its lines only. */
  readonly module: string | undefined;
  /** What a downloaded file is called, without its ending. */
  readonly name: string;
}

const LEVEL_WORDS: Readonly<Record<LogLevel, string>> = {
  debug: 'everything',
  info: 'info and above',
  warn: 'warnings and errors',
  error: 'errors only',
};

/** What all modules of a task have logged, in the order in which it came. */
export default function TaskLog({ lines: all, known, until, module, name }: TaskLogProps): ReactNode {
  const id = useId();
  const [least, setLeast] = useState<LogLevel>('debug');
  const [sought, setSought] = useState('');
  const [wraps, setWraps] = useState(true);
  const [follows, setFollows] = useState(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `all` grows in place, and `known` with it.
  const lines = useMemo(
    () => filterLines(all, { least, sought, module }),
    [all, known, least, sought, module],
  );
  const had = (list: readonly LogEntry[]): number =>
    until === undefined ? list.length : countUntil(list, until);
  const [of, count] = [had(all), had(lines)];
  const keyOf = useCallback((index: number) => lines[index]?.seq ?? index, [lines]);
  const text = (): string =>
    lines
      .slice(0, count)
      .map((line) => `${logText(line, line.module)}\n`)
      .join('');
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
            {count} of {of} lines{module !== undefined && `, of ${module}`}
          </span>
          <button type="button" className="small" onClick={() => downloadText(`${name}.log`, text())}>
            Download
          </button>
        </span>
      </div>
      {count === 0 ? (
        <p className="none">{of === 0 ? 'Nothing has been logged.' : 'No line matches.'}</p>
      ) : (
        <VirtualLines
          label="Log of the task"
          className={wraps ? 'log-tall' : 'log-tall log-unwrapped'}
          count={count}
          keyOf={keyOf}
          classOf={(index) => `level-${lines[index]?.level}`}
          lineOf={(index) => {
            const line = lines[index];
            return line && <Line entry={line} />;
          }}
          follows={follows}
          onFollow={setFollows}
        />
      )}
    </div>
  );
}

const Line = memo(function Line({ entry }: { entry: LogEntry }): ReactNode {
  return (
    <>
      <LogLine entry={entry} module={entry.module} />
      <CopyButton text={() => logText(entry, entry.module)} what="this line" />
    </>
  );
});

function Check(props: { label: string; isOn: boolean; onChange: (isOn: boolean) => void }): ReactNode {
  const { label, isOn, onChange } = props;
  return (
    <label className="tool">
      <input type="checkbox" checked={isOn} onChange={(change) => onChange(change.target.checked)} />
      {label}
    </label>
  );
}

function filterLines(
  lines: readonly LogEntry[],
  wanted: { readonly least: LogLevel; readonly sought: string; readonly module: string | undefined },
): readonly LogEntry[] {
  const from = LOG_LEVELS.indexOf(wanted.least);
  const sought = wanted.sought.trim().toLowerCase();
  // Another list each time: the one that is given grows in place.
  return lines.filter(
    (line) =>
      (from === 0 || LOG_LEVELS.indexOf(line.level) >= from) &&
      (wanted.module === undefined || line.module === wanted.module) &&
      (sought === '' || logText(line, line.module).toLowerCase().includes(sought)),
  );
}
