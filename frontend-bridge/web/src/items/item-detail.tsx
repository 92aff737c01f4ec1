import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import type { ExecutionJson, ItemAnswerJson, ItemJson } from '../../../../src/contract/iteration.js';
import {
  executionLogQuery,
  executionOutputQuery,
  itemQuery,
  type OfModule,
  taskPath,
} from '../api/queries.js';
import { Chip } from '../display/chip.js';
import { sourceWords } from '../display/source-words.js';
import { Elapsed, Moment } from '../display/time.js';
import { isDone, toneOf } from '../display/tone.js';
import { ValueView } from '../json/value-view.js';
import { SelectionLink } from '../selection-link.js';
import { Stack } from '../task/fault.js';
import { readLog } from '../task/history.js';
import { LogList } from '../task/log-list.js';

interface OfItem {
  readonly of: OfModule;
  readonly instances: ReadonlyMap<string, string>;
  /** The moment that is shown, where it is not now. */
  readonly asOf: string | undefined;
}

export interface ItemDetailProps extends OfItem {
  readonly item: number;
  /** As it was at that moment. */
  readonly then: ItemJson | undefined;
  readonly onClose: () => void;
}

/** One item: its value, its result, and each attempt with its outputs, error and log. */
export function ItemDetail({ of, item, then, instances, asOf, onClose }: ItemDetailProps): ReactNode {
  const frame = useRef<HTMLElement>(null);
  const found = useQuery(itemQuery(of, item));
  const answer = found.data?.view.item;
  const isRead = answer !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: it has grown.
  useEffect(() => {
    frame.current?.scrollIntoView({ block: 'nearest' });
  }, [isRead]);
  return (
    <section ref={frame} className="item" aria-label={`Item ${item}`}>
      <header className="item-head">
        <h4>Item {item}</h4>
        {answer && <Chip tone={toneOf((then ?? answer).state)}>{(then ?? answer).state}</Chip>}
        <button type="button" className="quiet" onClick={onClose} aria-label={`Close item ${item}`}>
          Close
        </button>
      </header>
      {found.isError && <p className="fault">{found.error.message}</p>}
      {found.isPending && <p className="none">Reading …</p>}
      {answer && <Known {...{ of, answer, instances, asOf }} shown={then ?? answer} />}
    </section>
  );
}

function Known(props: OfItem & { answer: ItemAnswerJson; shown: ItemJson }): ReactNode {
  const { of, answer, shown, asOf } = props;
  const { item, value, executions } = answer;
  const attempts = executions.filter(({ assigned_at: at }) => asOf === undefined || at <= asOf);
  return (
    <>
      {shown.waiting_reason !== null && shown.state === 'waiting' && (
        <p className="panel-reason">
          {shown.waiting_reason}
          {shown.retry_at !== null && (
            <>
              {' · again at '}
              <Moment at={shown.retry_at} />
            </>
          )}
        </p>
      )}
      {shown.cached_from && (
        <SelectionLink
          className="link"
          to={{
            problem: shown.cached_from.problem_id,
            iteration: shown.cached_from.iteration_id,
            module: of.module,
          }}
          current={false}
        >
          {sourceWords({ cached_from: shown.cached_from, reused_from: null })}
        </SelectionLink>
      )}
      <details open>
        <summary>Value</summary>
        <ValueView value={value} name={`${of.module}-${item}-value`} type="json" />
      </details>
      {isDone(shown.state) && isDone(answer.state) && (
        <details open>
          <summary>Result</summary>
          <ValueView
            value={answer.result}
            name={`${of.module}-${item}`}
            type="json"
            bytesAt={resultAt(of, answer)}
          />
        </details>
      )}
      {attempts.length > 0 && (
        <ol className="item-attempts" aria-label="Attempts">
          {attempts.toReversed().map((execution, index) => (
            <li key={execution.execution_id}>
              <ItemAttempt {...props} execution={execution} isNewest={index === 0} />
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

/** Where the bytes of its result are: its last output. */
function resultAt(of: OfModule, { executions }: ItemAnswerJson): string | undefined {
  const last = executions.at(-1);
  return last && last.outputs > 0 ? outputPath(of, last, last.outputs) : undefined;
}

function outputPath({ problem_id, iteration_id }: OfModule, execution: ExecutionJson, seq: number): string {
  return `${taskPath(problem_id, iteration_id)}/executions/${execution.execution_id}/outputs/${seq}`;
}

function ItemAttempt(props: OfItem & { execution: ExecutionJson; isNewest: boolean }): ReactNode {
  const { of, execution, instances, asOf, isNewest } = props;
  const [isOpen, setOpen] = useState(isNewest);
  const hasEnded = execution.finished_at !== null && (asOf === undefined || execution.finished_at <= asOf);
  const state = hasEnded || asOf === undefined ? execution.state : 'running';
  const partials = execution.outputs - (execution.state === 'succeeded' ? 1 : 0);
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <span className="figure">attempt {execution.attempt}</span>
        <Chip tone={toneOf(state)}>{state}</Chip>
        <span>{instances.get(execution.node_id) ?? execution.node_id}</span>
        <span className="figure">
          <Elapsed since={execution.assigned_at} until={hasEnded ? execution.finished_at : (asOf ?? null)} />
        </span>
      </summary>
      {hasEnded && execution.error && (
        <div className="fault">
          <p>
            <code>{execution.error.code}</code> {execution.error.message}
          </p>
          <Stack stack={execution.error.stack} />
        </div>
      )}
      {isOpen && hasEnded && partials > 0 && <Partials of={of} execution={execution} count={partials} />}
      {isOpen && <AttemptLog of={of} execution={execution} asOf={asOf} />}
    </details>
  );
}

/** More partial outputs than these are not listed. */
const PARTIALS_SHOWN = 20;

function Partials(props: { of: OfModule; execution: ExecutionJson; count: number }): ReactNode {
  const { of, execution, count } = props;
  const numbers = Array.from({ length: Math.min(count, PARTIALS_SHOWN) }, (_, index) => count - index);
  return (
    <>
      <ol className="partials" aria-label="Partial outputs">
        {numbers.map((seq) => (
          <li key={seq}>
            <Partial of={of} execution={execution} seq={seq} />
          </li>
        ))}
      </ol>
      {count > numbers.length && <p className="none">{count - numbers.length} older ones are not listed.</p>}
    </>
  );
}

/** Read when it is opened. */
function Partial(props: { of: OfModule; execution: ExecutionJson; seq: number }): ReactNode {
  const { of, execution, seq } = props;
  const [isOpen, setOpen] = useState(false);
  const found = useQuery({ ...executionOutputQuery(of, execution.execution_id, seq), enabled: isOpen });
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Partial output {seq}</summary>
      {found.isError && <p className="fault">{found.error.message}</p>}
      {found.data !== undefined && (
        <ValueView
          value={found.data}
          name={`${of.module}-${execution.item}-${seq}`}
          type="json"
          bytesAt={outputPath(of, execution, seq)}
        />
      )}
    </details>
  );
}

function AttemptLog(props: { of: OfModule; execution: ExecutionJson; asOf: string | undefined }): ReactNode {
  const { of, execution, asOf } = props;
  const found = useQuery(executionLogQuery(of, execution.execution_id));
  const lines = found.data?.view.items;
  const entries = useMemo(
    () => (lines ?? []).map((event) => ({ ...readLog(event, of.module), item: undefined })),
    [lines, of.module],
  );
  const count = asOf === undefined ? entries.length : entries.filter(({ at }) => at <= asOf).length;
  if (found.isError) return <p className="fault">{found.error.message}</p>;
  if (found.isPending) return <p className="none">Reading …</p>;
  if (count === 0) return <p className="none">No log lines.</p>;
  return (
    <>
      <LogList label={`Log lines of attempt ${execution.attempt}`} entries={{ items: entries, count }} />
      {found.data.view.isCut && <p className="none">There are more lines: tutti logs prints all of them.</p>}
    </>
  );
}
