import { memo, type ReactNode, useCallback, useState } from 'react';
import { Moment, PreciseMoment } from '../display/time.js';
import { Foreign } from '../display/title.js';
import type { Beginning, LogEntry } from './history.js';
import { VirtualLines } from './virtual-lines.js';

/** Log lines of one module or attempt, newest last. As long as the end is in sight, it stays in sight. */
export function LogList(props: { entries: Beginning<LogEntry>; label?: string }): ReactNode {
  const { entries, label = 'Log lines' } = props;
  const { items, count } = entries;
  const [follows, setFollows] = useState(true);
  const keyOf = useCallback((index: number) => items[index]?.seq ?? index, [items]);
  return (
    <VirtualLines
      label={label}
      count={count}
      keyOf={keyOf}
      classOf={(index) => `level-${items[index]?.level}`}
      lineOf={(index) => {
        const entry = items[index];
        return entry && <Line entry={entry} />;
      }}
      follows={follows}
      onFollow={setFollows}
    />
  );
}

const Line = memo(function Line({ entry }: { entry: LogEntry }): ReactNode {
  return <LogLine entry={entry} />;
});

/** `module`: said where lines of several stand together, to the millisecond. */
export function LogLine({ entry, module }: { entry: LogEntry; module?: string | undefined }): ReactNode {
  return (
    <>
      {module === undefined ? <Moment at={entry.at} /> : <PreciseMoment at={entry.at} />}
      {module !== undefined && <span className="log-module">{module}</span>}
      {entry.item !== undefined && <span className="log-module">item {entry.item}</span>}
      {entry.level !== 'info' && <b>{entry.level}</b>} <Foreign text={entry.message} />
      {shownFields(entry).map(([name, value]) => (
        <span key={name} className="log-field">
          <Foreign text={`${name}=${String(value)}`} />
        </span>
      ))}
    </>
  );
}

/** Most lines of a command come from its stdout: that is not said. */
function shownFields({ fields }: LogEntry): [string, unknown][] {
  return Object.entries(fields).filter(([name, value]) => name !== 'stream' || value !== 'stdout');
}

/** As a line of a file. */
export function logText(entry: LogEntry, module: string): string {
  const fields = Object.entries(entry.fields).map(([name, value]) => ` ${name}=${String(value)}`);
  const item = entry.item === undefined ? '' : ` ${entry.item}`;
  return `${entry.at} ${entry.level.padEnd(5)} ${module}${item}: ${entry.message}${fields.join('')}`;
}
