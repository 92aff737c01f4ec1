import {
  BaseEdge,
  ControlButton,
  Controls,
  type Edge,
  type EdgeProps,
  Handle,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
  useReactFlow,
  useStore,
} from '@xyflow/react';
import { type ReactNode, useCallback, useEffect, useMemo } from 'react';
import type { GraphJson } from '../api/shapes.js';
import { NOT_BEGUN } from '../state/task-reducer.js';
import type { TaskView } from '../state/views.js';
import { isDone } from '../states/tone.js';
import { layOut, type Place, type Score } from './layout.js';
import { ModuleCard, type ModuleCardProps } from './module-card.js';

export interface GraphViewProps {
  readonly graph: GraphJson;
  readonly view: TaskView;
  readonly selected: string | undefined;
  readonly onSelect: (name: string) => void;
  /** By `node_id`. */
  readonly instances: ReadonlyMap<string, string>;
  /** The moment that is shown, where it is not now. */
  readonly asOf: string | undefined;
}

type CardNode = Node<{ card: ModuleCardProps }, 'module'>;
type SourceNode = Node<{ name: string; type: string; selected: boolean; onSelect: () => void }, 'source'>;
type PassingEdge = Edge<{ path: string; passed: boolean; pulse: number | undefined }, 'passing'>;

/** The task as a graph: wide screens. */
export function GraphCanvas(props: GraphViewProps): ReactNode {
  const { graph, view } = props;
  const score = useMemo(() => layOut(graph), [graph]);
  const nodes = score.places.map((place) => toNode(props, place));
  const edges = score.edges.map(({ from, to, path }): PassingEdge => {
    const passed = from === graph.source.name || hasOutput(view, from);
    return {
      id: `${from}→${to}`,
      type: 'passing',
      source: from,
      target: to,
      data: { path, passed, pulse: view.passed[from] },
    };
  });
  return (
    <div className="canvas" style={{ aspectRatio: `${score.frame.width} / ${score.frame.height}` }}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        minZoom={wholeZoom(score)}
        maxZoom={1.25}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        zoomOnScroll={false}
        preventScrolling={false}
        zoomOnDoubleClick={false}
        aria-label={`Graph of ${graph.name}`}
      >
        <Framing score={score} />
      </ReactFlow>
    </div>
  );
}

/** Pixels of the narrowest frame that a score is shown in. */
const FRAME_PX = 250;

/** The zoom at which the whole score is in the frame, however many modules it has. */
function wholeZoom({ frame }: Score): number {
  return Math.min(0.3, FRAME_PX / Math.max(frame.width, frame.height));
}

/** Keeps the whole score, its lines included, in the frame whenever the frame changes; and the buttons to look closer. */
function Framing({ score }: { score: Score }): ReactNode {
  const { fitBounds } = useReactFlow();
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  const frame = useCallback(() => void fitBounds(score.frame, { padding: 0 }), [fitBounds, score]);
  useEffect(() => {
    if (width > 0 && height > 0) frame();
  }, [frame, width, height]);
  return (
    <Controls showInteractive={false} showFitView={false} position="bottom-left">
      <ControlButton onClick={frame} aria-label="Show the whole graph" title="Show the whole graph">
        <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
          <path
            d="M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.6"
          />
        </svg>
      </ControlButton>
    </Controls>
  );
}

/** The same modules as a list in playing order, the panel below the one that it belongs to: narrow screens. */
export function GraphList(props: GraphViewProps & { readonly panel: ReactNode }): ReactNode {
  const { graph, selected, onSelect, panel } = props;
  const score = useMemo(() => layOut(graph), [graph]);
  return (
    <ol className="score-list">
      {score.places.map(({ name }) => (
        <li key={name}>
          {name === graph.source.name ? (
            <SourceCard
              name={name}
              type={graph.source.type}
              selected={selected === name}
              onSelect={() => onSelect(name)}
            />
          ) : (
            <>
              <ModuleCard {...cardProps(props, name)} />
              <p className="score-inputs">from {graph.modules[name]?.inputs.join(', ')}</p>
            </>
          )}
          {selected === name && panel}
        </li>
      ))}
    </ol>
  );
}

function toNode(props: GraphViewProps, place: Place): CardNode | SourceNode {
  const { name, x, y, width, height } = place;
  const common = { id: name, position: { x, y }, width, height };
  if (name !== props.graph.source.name)
    return { ...common, type: 'module', data: { card: cardProps(props, name) } };
  return {
    ...common,
    type: 'source',
    data: {
      name,
      type: props.graph.source.type,
      selected: props.selected === name,
      onSelect: () => props.onSelect(name),
    },
  };
}

function cardProps(props: GraphViewProps, name: string): ModuleCardProps {
  const { graph, view, selected, onSelect, instances, asOf } = props;
  const spec = graph.modules[name];
  const module = view.task.modules[name] ?? NOT_BEGUN;
  return {
    name,
    module,
    instance: instances.get(module.node_id ?? ''),
    asOf,
    maxAttempts: spec?.retry?.attempts,
    parent: (spec?.previous?.length ?? 0) > 0 ? (view.task.parent_iteration_id ?? undefined) : undefined,
    selected: selected === name,
    onSelect: () => onSelect(name),
  };
}

function hasOutput(view: TaskView, module: string): boolean {
  const standing = view.task.modules[module];
  return standing !== undefined && (isDone(standing.state) || standing.output !== null);
}

function ModuleNode({ data }: NodeProps<CardNode>): ReactNode {
  return (
    <>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <ModuleCard {...data.card} />
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </>
  );
}

function SourceNodeView({ data }: NodeProps<SourceNode>): ReactNode {
  return (
    <>
      <SourceCard {...data} />
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </>
  );
}

function SourceCard(props: SourceNode['data']): ReactNode {
  return (
    <button type="button" className="card card-source" aria-pressed={props.selected} onClick={props.onSelect}>
      <span className="card-name">{props.name}</span>
      <span className="card-note">the input</span>
    </button>
  );
}

function PassingEdgeView(props: EdgeProps<PassingEdge>): ReactNode {
  const { path = '', passed = false, pulse } = props.data ?? {};
  return (
    <>
      <BaseEdge id={props.id} path={path} className={passed ? 'edge edge-passed' : 'edge'} />
      {pulse !== undefined && <path key={pulse} className="edge-pulse" d={path} pathLength={1} />}
    </>
  );
}

const NODE_TYPES = { module: ModuleNode, source: SourceNodeView };
const EDGE_TYPES = { passing: PassingEdgeView };
