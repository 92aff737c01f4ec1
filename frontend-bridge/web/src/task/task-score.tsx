import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useSyncExternalStore } from 'react';
import { nodesQuery } from '../api/queries.js';
import type { EventJson, GraphJson } from '../api/shapes.js';
import { RerunButton } from '../iterations/rerun-button.js';
import type { TaskView } from '../state/views.js';
import { GraphCanvas, GraphList } from './graph-view.js';
import { ModulePanel, SourcePanel } from './module-panel.js';
import type { Commanding } from './task-commands.js';

export interface TaskScoreProps {
  readonly graph: GraphJson;
  readonly view: TaskView;
  /** Up to the moment that is shown. */
  readonly events: readonly EventJson[];
  readonly selected: string | undefined;
  /** Choosing what is chosen lets it go. */
  readonly onSelect: (name: string) => void;
  /** The moment that is shown, where it is not now. */
  readonly asOf: string | undefined;
  readonly commanding: Commanding;
  readonly timeline: ReactNode;
}

/** The graph, the timeline below it, and the module that is chosen. */
export function TaskScore(props: TaskScoreProps): ReactNode {
  const { graph, view, selected, onSelect, asOf, timeline } = props;
  const instances = useInstances();
  const narrow = useNarrow();
  const score = { graph, view, selected, onSelect, instances, asOf };
  const panel = selected !== undefined && <SelectedPanel {...props} name={selected} instances={instances} />;
  if (narrow) {
    return (
      <>
        <GraphList {...score} panel={panel} />
        {timeline}
      </>
    );
  }
  return (
    <div className={selected === undefined ? 'score' : 'score score-open'}>
      <div className="score-main">
        <GraphCanvas {...score} />
        {timeline}
      </div>
      {panel || (
        <p className="none">Choose a module to see its inputs, its output, its log and its attempts.</p>
      )}
    </div>
  );
}

function SelectedPanel(
  props: TaskScoreProps & { name: string; instances: ReadonlyMap<string, string> },
): ReactNode {
  const { graph, view, name, onSelect, commanding, asOf } = props;
  const common = { task: view.task, name, instances: props.instances, onClose: () => onSelect(name) };
  if (name === graph.source.name) return <SourcePanel {...common} type={graph.source.type} />;
  const module = view.task.modules[name];
  const spec = graph.modules[name];
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
      events={props.events}
      actions={actions}
      asOf={asOf}
    />
  );
}

/** The nodes' own stable names by `node_id`. */
function useInstances(): ReadonlyMap<string, string> {
  const items = useQuery(nodesQuery()).data?.view.items;
  return useMemo(() => new Map(items?.map((node) => [node.node_id, node.instance])), [items]);
}

const NARROW = '(max-width: 720px)';

function useNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const query = window.matchMedia(NARROW);
      query.addEventListener('change', listener);
      return () => query.removeEventListener('change', listener);
    },
    () => window.matchMedia(NARROW).matches,
  );
}
