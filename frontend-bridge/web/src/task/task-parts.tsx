import { lazy, type ReactNode, Suspense, useDeferredValue } from 'react';
import type { EventJson } from '../../../../src/contract/event.js';
import { shortId } from '../../../../src/model/short-id.js';
import { SelectionLink } from '../selection-link.js';
import { useShortcut } from '../shortcuts/shortcuts.js';
import { type Selection, TASK_PARTS, type TaskPart } from '../state/selection.js';
import type { TaskHistory } from './history.js';
import { Scrubber } from './scrubber.js';
import type { TimeTravel } from './use-time-travel.js';

const History = lazy(() => import('./history-list.js'));
const TaskLog = lazy(() => import('./task-log.js'));

const WORDS: Readonly<Record<TaskPart, string>> = { history: 'History', log: 'Log' };

export interface TaskPartsProps {
  /** What is shown; the links lead to the same with another part. */
  readonly shown: Pick<Selection, 'problem' | 'iteration' | 'module' | 'item' | 'at' | 'part'>;
  readonly onPart: (part: TaskPart | undefined) => void;
  /** All of the task. */
  readonly events: readonly EventJson[];
  readonly eventsError: Error | null;
  /** There are more events than these. */
  readonly isCut: boolean;
  readonly history: TaskHistory;
  readonly travel: TimeTravel;
  readonly instances: ReadonlyMap<string, string>;
  readonly timeline: ReactNode;
}

/** Below the graph: the hand over the events, and the timeline, the history or the log that it moves through. */
export function TaskParts(props: TaskPartsProps): ReactNode {
  const { shown, onPart, events, eventsError, isCut, travel, instances } = props;
  const { part } = shown;
  useShortcut('t', 'Show the timeline', () => onPart(undefined));
  useShortcut('y', 'Show the history', () => onPart('history'));
  useShortcut('l', 'Show the log', () => onPart('log'));
  useShortcut(',', 'Go back one event', () => travel.goTo((travel.count ?? events.length) - 1));
  useShortcut('.', 'Go forward one event', () => travel.goTo((travel.count ?? events.length) + 1));
  useShortcut('0', 'Go back to now', travel.goToNow);
  const name = `${shortId(shown.problem ?? '')}-${shown.iteration}`;
  const course = (
    <>
      {part === undefined && props.timeline}
      {part === 'history' && (
        <History events={events} travel={travel} module={shown.module} name={name} instances={instances} />
      )}
      {part === 'log' && (
        <TaskLog
          lines={props.history.lines}
          // The list grows in place: this says that it has.
          known={events.length}
          until={travel.count === undefined ? undefined : events[travel.count - 1]?.seq}
          module={shown.module}
          name={name}
        />
      )}
    </>
  );
  // The hand, the graph and the cards go first: this follows when there is time, at the latest when the hand rests.
  const later = useDeferredValue(course);
  return (
    <section className="times" aria-label="Progress of the task">
      <nav className="part-tabs" aria-label="Progress of the task">
        {[undefined, ...TASK_PARTS].map((one) => (
          <SelectionLink
            key={one ?? 'timeline'}
            className="part-tab"
            to={{ ...shown, part: one }}
            current={one === part}
          >
            {one === undefined ? 'Timeline' : WORDS[one]}
          </SelectionLink>
        ))}
      </nav>
      {eventsError && <p className="fault">{eventsError.message}</p>}
      {events.length > 0 && (
        <>
          <Scrubber events={events} travel={travel} isCut={isCut} />
          <Suspense fallback={<p className="none">Reading …</p>}>{later}</Suspense>
        </>
      )}
    </section>
  );
}
