import { type ReactNode, useMemo } from 'react';
import type { EventJson } from '../../../../src/contract/event.js';
import type { GraphJson } from '../../../../src/contract/graph.js';
import { loopOf } from '../display/loop-words.js';
import { RerunButton } from '../iterations/rerun-button.js';
import { useShortcut } from '../shortcuts/shortcuts.js';
import { itemsAfter } from '../state/items-reducer.js';
import type { TaskView } from '../state/views.js';
import { GraphCanvas, GraphList } from './graph-canvas.js';
import type { TaskHistory } from './history.js';
import { ModulePanel, SourcePanel } from './module-panel.js';
import { Overview } from './overview.js';
import type { Want } from './standstill.js';
import { taskCards } from './task-cards.js';
import type { Commanding } from './task-commands.js';
import { useNarrow } from './use-narrow.js';

export interface TaskScoreProps {
  readonly graph: GraphJson;
  readonly view: TaskView;
  readonly history: TaskHistory;
  /** The event after which it is shown, where it is not now. */
  readonly seq: number | undefined;
  /** All events of the task, and how many of them it is shown after, where it is not now. */
  readonly events: readonly EventJson[];
  readonly count: number | undefined;
  readonly selected: string | undefined;
  /** Choosing what is chosen lets it go. */
  readonly onSelect: (name: string) => void;
  /** By `node_id`. */
  readonly instances: ReadonlyMap<string, string>;
  readonly wants: readonly Want[];
  /** The moment that is shown, where it is not now. */
  readonly asOf: string | undefined;
  readonly commanding: Commanding;
  /** What stands below the graph. */
  readonly parts: ReactNode;
}

/** The graph, what stands below it, and beside both the module that is chosen, or what the task is about. */
export function TaskScore(props: TaskScoreProps): ReactNode {
  const { graph, view, selected, onSelect, instances, wants, asOf, parts } = props;
  const narrow = useNarrow();
  useShortcut('Escape', 'Close the module', () => selected && onSelect(selected), selected !== undefined);
  const score = taskCards({ graph, view, selected, onSelect, instances, wants, asOf });
  const overview = <Overview task={view.task} graph={graph} asOf={asOf} />;
  const panel = selected !== undefined && <SelectedPanel {...props} name={selected} />;
  if (narrow) {
    return (
      <>
        {selected === undefined && overview}
        <GraphList {...score} word="from" panel={panel} />
        {parts}
      </>
    );
  }
  return (
    <div className="score">
      <div className="score-main">
        <GraphCanvas {...score} />
        {parts}
      </div>
      <div className="score-side">{panel || overview}</div>
    </div>
  );
}

function SelectedPanel(props: TaskScoreProps & { name: string }): ReactNode {
  const { graph, view, name, onSelect, commanding, asOf } = props;
  const common = { task: view.task, name, instances: props.instances, onClose: () => onSelect(name) };
  const module = view.task.modules[name];
  const spec = graph.modules[name];
  const { events, count } = props;
  const hadItems = count !== undefined && module?.items != null;
  const pastItems = useMemo(
    () => (hadItems ? itemsAfter(events, count, name) : undefined),
    [hadItems, events, count, name],
  );
  if (name === graph.source.name) return <SourcePanel {...common} type={graph.source.type} />;
  if (!module || !spec) return <p className="fault">The graph has no module “{name}”.</p>;
  const actions =
    asOf === undefined &&
    (commanding.isOver ? (
      <RerunButton key={name} task={view.task} graph={graph} module={name} />
    ) : (
      <div className="actions">
        <button
          type="button"
          className="small"
          disabled={commanding.isBusy}
          onClick={() => commanding.send('reset', name)}
        >
          Reset from here
        </button>
        <button
          type="button"
          className="small"
          disabled={commanding.isBusy || module.node_id === null || module.finished_at !== null}
          onClick={() => commanding.send('preempt', name)}
        >
          Preempt
        </button>
      </div>
    ));
  return (
    <ModulePanel
      {...common}
      module={module}
      spec={spec}
      source={graph.source.name}
      loop={loopOf(graph.loops, name)}
      pastItems={pastItems}
      history={props.history.ofModule(name, props.seq)}
      actions={actions}
      asOf={asOf}
    />
  );
}
