import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useState } from 'react';
import type { EventJson } from '../../../../src/contract/event.js';
import type { GraphJson } from '../../../../src/contract/graph.js';
import type { WholeProblemJson } from '../../../../src/contract/problem.js';
import { isPrivateGraph } from '../../../../src/model/private-graph.js';
import { nodesQuery } from '../api/queries.js';
import { useTab } from '../display/tab.js';
import { PreciseMoment } from '../display/time.js';
import { taskTone } from '../display/tone.js';
import type { Select, Selection, TaskPart } from '../state/selection.js';
import type { TaskView } from '../state/views.js';
import { TaskHistory } from './history.js';
import { IterateForm } from './iterate-form.js';
import { inOrder } from './layout.js';
import { withReasons } from './reasons.js';
import { Replay } from './replay.js';
import { type Want, wantsOf } from './standstill.js';
import { useTaskCommands } from './task-commands.js';
import { TaskHead } from './task-head.js';
import { TaskParts } from './task-parts.js';
import { TaskScore } from './task-score.js';
import { TimelineView } from './timeline.js';
import { type Timeline, TimelineReplay } from './timeline-model.js';
import { useTimeTravel } from './use-time-travel.js';

export interface TaskMomentProps {
  readonly problem: string;
  readonly iteration: number;
  readonly module: string | undefined;
  readonly item: number | undefined;
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
  const { problem, iteration, module, item, at, part, onSelect, now, graph, events, about } = props;
  const shown = { problem, iteration, module, item, at, part };
  const select = (next: Partial<Selection>, replace = false): void =>
    onSelect({ ...shown, ...next }, { replace });
  const travel = useTimeTravel(events, at, (seq) => select({ at: seq }, true));
  const { view, moment, history, course, timeline, wants } = useMoment(now, graph, events, travel.count);
  const instances = useInstances();
  const commanding = useTaskCommands(now.task, events);
  const [isIterating, setIsIterating] = useState(false);
  const choose = (name: string): void =>
    select({ module: name === module ? undefined : name, item: undefined, at: moment?.seq });
  useTab(props.title, taskTone(view.task.state, Object.values(view.task.modules)).tone.tone);

  return (
    <>
      <TaskHead
        view={view}
        now={now.task}
        graph={graph}
        wants={wants}
        about={about}
        title={props.title}
        picker={props.picker}
        isPast={moment !== undefined}
        commanding={commanding}
        onIterate={isIterating || isPrivateGraph(view.task.graph) ? undefined : () => setIsIterating(true)}
      />
      {moment && <Past at={moment.at} count={travel.count ?? 0} of={events.length} onNow={travel.goToNow} />}
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
        events={events}
        count={travel.count}
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

interface Moment {
  readonly view: TaskView;
  /** The event that it is after. Nothing: now. */
  readonly moment: EventJson | undefined;
  readonly history: TaskHistory;
  readonly course: TimelineReplay;
  readonly timeline: Timeline;
  readonly wants: readonly Want[];
}

/** The task after so many of its events; without a number, as it is now. */
function useMoment(
  now: TaskView,
  graph: GraphJson,
  events: readonly EventJson[],
  count: number | undefined,
): Moment {
  // The task's lasting facts are the same in every view of it: the replay outlives them.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above.
  const replay = useMemo(() => new Replay(now.task, graph), [graph]);
  const view = useMemo(() => {
    const moment = count === undefined ? now : replay.viewAfter(events, count);
    return withReasons(moment, graph);
  }, [now, count, events, replay, graph]);
  const [history] = useState(() => new TaskHistory());
  history.read(events);
  const course = useMemo(() => new TimelineReplay(graph, inOrder(graph)), [graph]).read(events);
  const moment = count === undefined ? undefined : events[count - 1];
  const timeline = course.at(moment?.seq);
  const wants = useMemo(() => wantsOf(view, timeline), [view, timeline]);
  return { view, moment, history, course, timeline, wants };
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
