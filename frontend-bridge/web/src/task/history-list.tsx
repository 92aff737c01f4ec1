import { memo, type ReactNode, useCallback, useId, useMemo, useState } from 'react';
import { printJson } from '../../../../src/base/json/json-text.js';
import type { EventJson } from '../../../../src/contract/event.js';
import { shortId } from '../../../../src/model/short-id.js';
import { CopyButton } from '../copying/copy-button.js';
import { describeEvent } from '../display/event-words.js';
import { PreciseMoment } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { downloadText } from '../json/download.js';
import { countWhile } from './halving.js';
import type { TimeTravel } from './use-time-travel.js';
import { VirtualLines } from './virtual-lines.js';

export interface HistoryListProps {
  /** All of the task, in order. */
  readonly events: readonly EventJson[];
  readonly travel: TimeTravel;
  /** The module that is chosen: the list begins with its events. */
  readonly module: string | undefined;
  /** What a downloaded file is called, without its ending. */
  readonly name: string;
  /** By `node_id`. */
  readonly instances: ReadonlyMap<string, string>;
}

/** Every event of a task in a line; choosing one shows the task as it was then. */
export default function HistoryList(props: HistoryListProps): ReactNode {
  const { events, travel, module, name, instances } = props;
  const id = useId();
  const [kind, setKind] = useState('');
  const [ofModule, setOfModule] = useState<string | undefined>(undefined);
  const only = ofModule ?? module ?? '';
  const kinds = useMemo(() => [...new Set(events.map(({ type }) => type))].sort(), [events]);
  const modules = useMemo(() => [...new Set(events.flatMap((event) => event.module ?? []))], [events]);
  const shown = useMemo(
    () =>
      events
        .map((event, index) => ({ event, index }))
        .filter(({ event }) => kind === '' || event.type === kind || event.type.startsWith(`${kind}.`))
        .filter(({ event }) => only === '' || event.module === only),
    [events, kind, only],
  );
  const here = (travel.count ?? events.length) - 1;
  // The last line that had happened at the moment that is shown.
  const current = countWhile(shown, ({ index }) => index <= here) - 1;
  const keyOf = useCallback((index: number) => shown[index]?.event.seq ?? index, [shown]);
  const lines = (): string => shown.map(({ event }) => `${printJson(event)}\n`).join('');
  return (
    <div className="task-history">
      <div className="list-tools">
        <label className="tool" htmlFor={`${id}-module`}>
          Module
          <select id={`${id}-module`} value={only} onChange={(change) => setOfModule(change.target.value)}>
            <option value="">all</option>
            {modules.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label className="tool" htmlFor={`${id}-kind`}>
          Kind
          <select id={`${id}-kind`} value={kind} onChange={(change) => setKind(change.target.value)}>
            <option value="">all</option>
            {[...new Set(kinds.map((one) => one.split('.')[0] ?? ''))].map((group) => (
              <optgroup key={group} label={group}>
                <option value={group}>{group}.*</option>
                {kinds
                  .filter((one) => one.startsWith(`${group}.`))
                  .map((one) => (
                    <option key={one}>{one}</option>
                  ))}
              </optgroup>
            ))}
          </select>
        </label>
        <span className="tool-end">
          <span className="none figure" role="status">
            {shown.length} of {events.length} events
          </span>
          <button type="button" className="small" onClick={() => downloadText(`${name}.jsonl`, lines())}>
            Download
          </button>
        </span>
      </div>
      <VirtualLines
        label="Events"
        className="log-tall history"
        count={shown.length}
        keyOf={keyOf}
        classOf={(index) => (index === current ? 'history-now' : undefined)}
        lineOf={(index) => {
          const line = shown[index];
          if (line === undefined) return null;
          const { event } = line;
          return (
            <Line
              event={event}
              count={line.index + 1}
              isCurrent={index === current}
              instance={event.node_id && (instances.get(event.node_id) ?? shortId(event.node_id))}
              onGo={travel.goTo}
            />
          );
        }}
        follows={travel.count === undefined}
        show={travel.count === undefined ? undefined : current}
      />
    </div>
  );
}

interface LineProps {
  readonly event: EventJson;
  /** How many events had happened with it. */
  readonly count: number;
  readonly isCurrent: boolean;
  /** The node that it is about. */
  readonly instance: string | undefined;
  readonly onGo: (count: number) => void;
}

const Line = memo(function Line({ event, count, isCurrent, instance, onGo }: LineProps): ReactNode {
  return (
    <>
      <button
        type="button"
        className="history-line"
        aria-current={isCurrent ? 'step' : undefined}
        onClick={() => onGo(count)}
      >
        <span className="figure history-seq">{event.seq}</span>
        <PreciseMoment at={event.at} />
        <Foreign text={describeEvent(event, true)} />
        {instance !== undefined && <small>{instance}</small>}
      </button>
      <CopyButton text={() => printJson(event) ?? ''} what={`event ${event.seq}`} />
    </>
  );
});
