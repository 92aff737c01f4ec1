import type { ReactNode } from 'react';
import type { GraphJson } from '../../../../src/contract/graph.js';
import { taskPath } from '../api/queries.js';
import { loopOf } from '../display/loop-words.js';
import { isDone, moduleTone } from '../display/tone.js';
import { outputAt, outputsOf } from '../graphs/outputs.js';
import { NOT_BEGUN } from '../state/task-reducer.js';
import type { TaskView } from '../state/views.js';
import type { GraphCanvasProps } from './graph-canvas.js';
import type { Line } from './layout.js';
import { ModuleCard, type ModuleCardProps } from './module-card.js';
import type { Want } from './standstill.js';

export interface TaskCardsProps {
  readonly graph: GraphJson;
  readonly view: TaskView;
  readonly selected: string | undefined;
  readonly onSelect: (name: string) => void;
  /** By `node_id`. */
  readonly instances: ReadonlyMap<string, string>;
  readonly wants: readonly Want[];
  /** The moment that is shown, where it is not now. */
  readonly asOf: string | undefined;
}

/** The graph of a task: its source, and each module as it stands. */
export function taskCards(props: TaskCardsProps): GraphCanvasProps {
  const { graph, view, selected, onSelect } = props;
  const source = graph.source.name;
  return {
    ...{ graph, selected, onSelect },
    cardOf: (name) =>
      name === source ? (
        <SourceCard name={name} selected={selected === name} onSelect={() => onSelect(name)} />
      ) : (
        <ModuleCard {...cardProps(props, name)} />
      ),
    toneOf: (name) => (name === source ? 'quiet' : moduleTone(view.task.modules[name] ?? NOT_BEGUN).tone),
    isPassed: (line) => isPassed(props, line),
    pulseOf: ({ from, isPrevious, loop }) => (isPrevious || loop ? undefined : view.passed[from]),
  };
}

function isPassed({ graph, view }: TaskCardsProps, { from, to, isPrevious, loop }: Line): boolean {
  if (loop) return (view.task.modules[to]?.pass ?? 1) > 1;
  if (isPrevious) return view.task.parent_iteration_id !== null;
  return from === graph.source.name || hasOutput(view, from);
}

function cardProps(props: TaskCardsProps, name: string): ModuleCardProps {
  const { graph, view, selected, onSelect, instances, wants, asOf } = props;
  const spec = graph.modules[name];
  const module = view.task.modules[name] ?? NOT_BEGUN;
  return {
    name,
    module,
    instance: instances.get(module.node_id ?? ''),
    want: wants.find((want) => want.module === name),
    asOf,
    maxAttempts: spec?.retry?.attempts,
    loop: loopOf(graph.loops, name),
    parent: (spec?.previous?.length ?? 0) > 0 ? (view.task.parent_iteration_id ?? undefined) : undefined,
    thumbnail: thumbnailOf(props, name),
    selected: selected === name,
    onSelect: () => onSelect(name),
  };
}

/** Only what stands is drawn: an output that may still be replaced is not. */
function thumbnailOf({ graph, view }: TaskCardsProps, name: string): ModuleCardProps['thumbnail'] {
  const { task } = view;
  const module = task.modules[name];
  const spec = graph.modules[name];
  if (module === undefined || spec === undefined || module.output === null || !isDone(module.state))
    return undefined;
  const outputs = outputsOf(name, spec);
  // Of several, the first picture.
  const drawn =
    outputs.length === 1 ? outputs[0] : outputs.find(({ type }) => type.startsWith('bytes:image/'));
  if (!drawn) return undefined;
  const bytesAt = `${taskPath(task.problem_id, task.iteration_id)}/outputs/${drawn.reference}`;
  return { output: outputAt(task, drawn.reference), type: drawn.type, bytesAt };
}

function hasOutput(view: TaskView, module: string): boolean {
  const standing = view.task.modules[module];
  return standing !== undefined && (isDone(standing.state) || standing.output !== null);
}

function SourceCard(props: { name: string; selected: boolean; onSelect: () => void }): ReactNode {
  return (
    <button type="button" className="card card-source" aria-pressed={props.selected} onClick={props.onSelect}>
      <span className="card-name">{props.name}</span>
      <span className="card-note">the input</span>
    </button>
  );
}
