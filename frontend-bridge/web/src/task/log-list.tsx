import { type ReactNode, useState } from 'react';
import { Moment, PreciseMoment } from '../states/time.js';
import { Foreign } from '../states/title.js';
import type { LogEntry } from './history.js';
import { VirtualLines } from './virtual-lines.js';

/** Log lines of one module, newest last. As long as the end is in sight, it stays in sight. */
export function LogList({ entries }: { entries: readonly LogEntry[] }): ReactNode {
  const [follows, setFollows] = useState(true);
  return (
    <VirtualLines
      label="Log lines"
      count={entries.length}
      keyOf={(index) => entries[index]?.seq ?? index}
      classOf={(index) => `level-${entries[index]?.level}`}
      lineOf={(index) => {
        const entry = entries[index];
        return entry && <LogLine entry={entry} />;
      }}
      follows={follows}
      onFollow={setFollows}
    />
  );
}

/** `module`: said where lines of several stand together, to the millisecond. */
export function LogLine({ entry, module }: { entry: LogEntry; module?: string | undefined }): ReactNode {
  return (
    <>
      {module === undefined ? <Moment at={entry.at} /> : <PreciseMoment at={entry.at} />}
      {module !== undefined && <span className="log-module">{module}</span>}
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
  return `${entry.at} ${entry.level.padEnd(5)} ${module}: ${entry.message}${fields.join('')}`;
}
