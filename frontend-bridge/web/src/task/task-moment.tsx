import { type ReactNode, useMemo, useState } from 'react';
import type { EventJson, GraphJson } from '../api/shapes.js';
import { SelectionLink } from '../selection-link.js';
import type { Select } from '../state/selection.js';
import type { TaskView } from '../state/views.js';
import { PreciseMoment } from '../states/time.js';
import { Foreign } from '../states/title.js';
import { Fault } from './fault.js';
import { IterateForm } from './iterate-form.js';
import { inOrder } from './layout.js';
import { withReasons } from './reasons.js';
import { Replay } from './replay.js';
import { Scrubber } from './scrubber.js';
import { TaskButtons, useTaskCommands } from './task-commands.js';
import { TaskFacts } from './task-facts.js';
import { TaskScore } from './task-score.js';
import { TimelineView } from './timeline.js';
import { buildTimeline, isOfTimeline } from './timeline-model.js';
import { useTimeTravel } from './use-time-travel.js';

export interface TaskMomentProps {
  readonly problem: string;
  readonly iteration: number;
  readonly module: string | undefined;
  readonly at: number | undefined;
  readonly onSelect: Select;
  readonly title: string;
  readonly iterations: ReactNode;
  /** The task as it is now. */
  readonly now: TaskView;
  readonly graph: GraphJson;
  readonly events: readonly EventJson[];
  /** There are more events than these. */
  readonly isCut: boolean;
  readonly eventsError: Error | null;
}

/** A task as it is now, or as it was after one of its events: header, graph, timeline and panel are of the same moment. */
export function TaskMoment(props: TaskMomentProps): ReactNode {
  const { problem, iteration, module, onSelect, now, graph, events } = props;
  const select = (name: string | undefined, at: number | undefined, replace = false): void =>
    onSelect({ problem, iteration, module: name, at }, { replace });
  const travel = useTimeTravel(events, props.at, (at) => select(module, at, true));
  const { count } = travel;
  // The task's lasting facts are the same in every view of it: the replay outlives them.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above.
  const replay = useMemo(() => new Replay(now.task, graph), [graph]);
  const view = useMemo(() => {
    const moment = count === undefined ? now : replay.viewAfter(events, count);
    return withReasons(moment, graph);
  }, [now, count, events, replay, graph]);
  const shownEvents = useMemo(() => (count === undefined ? events : events.slice(0, count)), [events, count]);
  const names = useMemo(() => inOrder(graph), [graph]);
  const outline = useMemo(() => events.filter(isOfTimeline), [events]);
  const whole = useMemo(() => buildTimeline(outline, graph, names), [outline, graph, names]);
  const moment = count === undefined ? undefined : events[count - 1];
  const timeline = useMemo(() => {
    if (moment === undefined) return whole;
    return buildTimeline(
      outline.filter((event) => event.seq <= moment.seq),
      graph,
      names,
    );
  }, [outline, whole, moment, graph, names]);
  const commanding = useTaskCommands(now.task, events);
  const [isIterating, setIsIterating] = useState(false);
  const choose = (name: string): void => select(name === module ? undefined : name, moment?.seq);

  return (
    <>
      <header className="task-head">
        <h1 id="task-title">
          <bdi>{props.title}</bdi>
        </h1>
        <TaskFacts view={view} isPast={moment !== undefined} />
        {view.task.error && <TaskFault task={view.task} />}
        {view.task.reason && (
          <p className="none">
            Stopped: <Foreign text={view.task.reason} />
          </p>
        )}
        {props.iterations}
        {!isIterating && moment === undefined && (
          <div className="actions">
            <button type="button" className="primary" onClick={() => setIsIterating(true)}>
              Iterate
            </button>
            <TaskButtons commanding={commanding} />
          </div>
        )}
        {commanding.status}
      </header>
      {moment && (
        <p className="past" role="status">
          <span>
            As it was at <PreciseMoment at={moment.at} />, after event {count} of {events.length}
          </span>
          <button type="button" className="quiet" onClick={travel.goToNow}>
            Back to now
          </button>
        </p>
      )}
      {isIterating && (
        <IterateForm
          task={now.task}
          onClose={() => setIsIterating(false)}
          onCreated={(created) => {
            setIsIterating(false);
            onSelect({ problem, iteration: created.iteration_id });
          }}
        />
      )}
      <TaskScore
        graph={graph}
        view={view}
        events={shownEvents}
        selected={module}
        onSelect={choose}
        asOf={moment?.at}
        commanding={commanding}
        timeline={
          <section className="times" aria-labelledby="times-title">
            <h2 id="times-title">Timeline</h2>
            {props.eventsError && <p className="fault">{props.eventsError.message}</p>}
            {events.length > 0 && (
              <>
                <Scrubber events={events} travel={travel} isCut={props.isCut} />
                <TimelineView
                  timeline={timeline}
                  end={whole.end}
                  hand={moment && Date.parse(moment.at)}
                  selected={module}
                  onSelect={choose}
                  onTime={travel.goToTime}
                />
              </>
            )}
          </section>
        }
      />
    </>
  );
}

/** Why the task has failed: the module and its error. */
function TaskFault({ task }: { task: TaskView['task'] }): ReactNode {
  const { error } = task;
  if (error === null) return null;
  const { module: name } = error;
  if (name === undefined) return <Fault error={error} />;
  const { problem_id: problem, iteration_id: iteration } = task;
  const stack = task.modules[name]?.error?.stack;
  return (
    <Fault error={{ ...error, ...(stack && { stack }) }}>
      <SelectionLink
        className="link"
        to={{ problem, iteration, module: name, at: undefined }}
        current={false}
      >
        {name}
      </SelectionLink>
    </Fault>
  );
}
