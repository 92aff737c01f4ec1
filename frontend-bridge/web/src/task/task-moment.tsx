import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useState } from 'react';
import { nodesQuery } from '../api/queries.js';
import type { EventJson, GraphJson, WholeProblemJson } from '../api/shapes.js';
import { ArchiveButton, ArchivedNote, useArchiving } from '../remarks/archive.js';
import { TagList } from '../remarks/tag-list.js';
import { TitleLine } from '../remarks/title-line.js';
import { SelectionLink } from '../selection-link.js';
import type { Select, Selection, TaskPart } from '../state/selection.js';
import type { TaskView } from '../state/views.js';
import { useTab } from '../states/tab.js';
import { PreciseMoment } from '../states/time.js';
import { Foreign } from '../states/title.js';
import { taskTone } from '../states/tone.js';
import { CopyMenu } from './copy-menu.js';
import { CrateButton } from './crate-button.js';
import { Fault } from './fault.js';
import { TaskHistory } from './history.js';
import { IterateForm } from './iterate-form.js';
import { inOrder } from './layout.js';
import { withReasons } from './reasons.js';
import { Replay } from './replay.js';
import { Shortages } from './shortages.js';
import { wantsOf } from './standstill.js';
import { TaskButtons, useTaskCommands } from './task-commands.js';
import { TaskFacts } from './task-facts.js';
import { TaskParts } from './task-parts.js';
import { TaskScore } from './task-score.js';
import { TimelineView } from './timeline.js';
import { TimelineReplay } from './timeline-model.js';
import { useTimeTravel } from './use-time-travel.js';

export interface TaskMomentProps {
  readonly problem: string;
  readonly iteration: number;
  readonly module: string | undefined;
  readonly at: number | undefined;
  readonly part: TaskPart | undefined;
  readonly onSelect: Select;
  readonly title: string;
  /** What people say about the problem, now. */
  readonly about: WholeProblemJson | undefined;
  readonly picker: ReactNode;
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
  const { problem, iteration, module, at, part, onSelect, now, graph, events, about } = props;
  const shown = { problem, iteration, module, at, part };
  const select = (next: Partial<Selection>, replace = false): void =>
    onSelect({ ...shown, ...next }, { replace });
  const travel = useTimeTravel(events, at, (seq) => select({ at: seq }, true));
  const { count } = travel;
  // The task's lasting facts are the same in every view of it: the replay outlives them.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above.
  const replay = useMemo(() => new Replay(now.task, graph), [graph]);
  const view = useMemo(() => {
    const moment = count === undefined ? now : replay.viewAfter(events, count);
    return withReasons(moment, graph);
  }, [now, count, events, replay, graph]);
  const names = useMemo(() => inOrder(graph), [graph]);
  const [history] = useState(() => new TaskHistory());
  history.read(events);
  const course = useMemo(() => new TimelineReplay(graph, names), [graph, names]).read(events);
  const moment = count === undefined ? undefined : events[count - 1];
  const timeline = course.at(moment?.seq);
  const wants = useMemo(() => wantsOf(view, timeline), [view, timeline]);
  const instances = useInstances();
  const commanding = useTaskCommands(now.task, events);
  const archiving = useArchiving(problem);
  const [isIterating, setIsIterating] = useState(false);
  const choose = (name: string): void =>
    select({ module: name === module ? undefined : name, at: moment?.seq });
  useTab(props.title, taskTone(view.task.state, Object.values(view.task.modules)).tone.tone);

  return (
    <>
      <header className="task-head">
        <div className="task-title">
          <TitleLine problem={about} title={props.title} />
          {!isIterating && moment === undefined && (
            <div className="actions">
              <button type="button" className="primary" onClick={() => setIsIterating(true)}>
                Iterate
              </button>
              <TaskButtons commanding={commanding} />
              <CopyMenu task={now.task} />
              {commanding.isOver && <CrateButton task={now.task} />}
              {about && <ArchiveButton problem={about} archiving={archiving} />}
            </div>
          )}
        </div>
        <TaskFacts view={view} isPast={moment !== undefined} picker={props.picker} />
        {about && <TagList problem={about} />}
        {about && <ArchivedNote problem={about} archiving={archiving} />}
        {view.task.error && <TaskFault task={view.task} />}
        {moment === undefined && <Shortages task={view.task} graph={graph} wants={wants} />}
        {view.task.reason && (
          <p className="none">
            Stopped: <Foreign text={view.task.reason} />
          </p>
        )}
        {commanding.status}
      </header>
      {moment && <Past at={moment.at} count={count ?? 0} of={events.length} onNow={travel.goToNow} />}
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
        history={history}
        seq={moment?.seq}
        selected={module}
        onSelect={choose}
        instances={instances}
        wants={wants}
        asOf={moment?.at}
        commanding={commanding}
        parts={
          <TaskParts
            shown={{ ...shown, at: moment?.seq }}
            onPart={(next) => select({ part: next })}
            events={events}
            eventsError={props.eventsError}
            isCut={props.isCut}
            history={history}
            travel={travel}
            instances={instances}
            timeline={
              <TimelineView
                timeline={timeline}
                graph={graph}
                end={course.end}
                hand={moment && Date.parse(moment.at)}
                selected={module}
                onSelect={choose}
                onTime={travel.goToTime}
              />
            }
          />
        }
      />
    </>
  );
}

function Past(props: { at: string; count: number; of: number; onNow: () => void }): ReactNode {
  return (
    <p className="past" role="status">
      <span>
        As it was at <PreciseMoment at={props.at} />, after event {props.count} of {props.of}
      </span>
      <button type="button" className="quiet" onClick={props.onNow}>
        Back to now
      </button>
    </p>
  );
}

/** The nodes' own stable names by `node_id`. */
function useInstances(): ReadonlyMap<string, string> {
  const items = useQuery(nodesQuery()).data?.view.items;
  return useMemo(() => new Map(items?.map((node) => [node.node_id, node.instance])), [items]);
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
