import {
  BaseEdge,
  type Edge,
  type EdgeProps,
  Handle,
  MiniMap,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
} from '@xyflow/react';
import { type ReactNode, useMemo, useState } from 'react';
import type { GraphJson } from '../../../../src/contract/graph.js';
import { taskPath } from '../api/queries.js';
import { loopOf } from '../display/loop-words.js';
import { isDone, moduleTone } from '../display/tone.js';
import { outputAt, outputsOf } from '../graphs/outputs.js';
import { NOT_BEGUN } from '../state/task-reducer.js';
import type { TaskView } from '../state/views.js';
import { GraphFrame } from './graph-frame.js';
import {
  type Direction,
  type Line,
  layOut,
  layOutWithin,
  loopLabel,
  loopTitle,
  type Place,
  relatives,
} from './layout.js';
import { ModuleCard, type ModuleCardProps } from './module-card.js';
import type { Want } from './standstill.js';
import { useFrame, wholeZoom } from './use-frame.js';

export interface GraphViewProps {
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

/** A type and no interface: the library wants one that counts as a record. */
type Standing = {
  readonly direction: Direction;
  /** It has to do with the module that is pointed at. */
  readonly isLit: boolean;
  readonly isFound: boolean;
};
type CardNode = Node<Standing & { card: ModuleCardProps }, 'module'>;
type SourceNode = Node<
  Standing & { name: string; type: string; selected: boolean; onSelect: () => void },
  'source'
>;
type PassingEdge = Edge<
  { path: string; loop: Line['loop']; isPrevious: boolean; className: string; pulse: number | undefined },
  'passing'
>;

/** With more modules than this, a map of the whole stands in a corner, and modules can be searched. */
const MANY = 14;

/** The task as a graph: wide screens. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: most of it is the properties of one canvas.
export function GraphCanvas(props: GraphViewProps): ReactNode {
  const { graph, view, selected } = props;
  const [frame, size] = useFrame();
  const score = useMemo(() => layOutWithin(graph, size.width, size.height), [graph, size]);
  const [pointed, setPointed] = useState<string>();
  const [sought, setSought] = useState('');
  const marked = pointed ?? selected;
  const lit = useMemo(() => (marked === undefined ? undefined : relatives(graph, marked)), [graph, marked]);
  const found = useMemo(() => findModules(graph, sought), [graph, sought]);
  const nodes = score.places.map((place) =>
    toNode(props, place, {
      direction: score.direction,
      isLit: pointed === undefined || lit?.has(place.name) === true,
      isFound: found.includes(place.name),
    }),
  );
  const edges = score.edges.map(({ from, to, path, isPrevious, loop }): PassingEdge => {
    const isFed = loop
      ? (view.task.modules[to]?.pass ?? 1) > 1
      : isPrevious
        ? view.task.parent_iteration_id !== null
        : from === graph.source.name || hasOutput(view, from);
    const isLit = lit?.has(from) === true && lit.has(to) && !isPrevious;
    const classes = [
      'edge',
      isPrevious && 'edge-previous',
      loop && 'edge-loop',
      isFed && 'edge-passed',
      isLit && 'edge-lit',
    ];
    return {
      id: `${from}→${to}${loop ? ' loop' : isPrevious ? ' previous' : ''}`,
      type: 'passing',
      source: from,
      target: to,
      data: {
        path,
        loop,
        isPrevious,
        className: classes.filter(Boolean).join(' '),
        pulse: isPrevious || loop ? undefined : view.passed[from],
      },
    };
  });
  const isLarge = score.places.length > MANY;
  return (
    <div
      className="canvas"
      ref={frame}
      style={{ aspectRatio: `${score.frame.width} / ${score.frame.height}` }}
      data-large={isLarge}
    >
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
        onNodeMouseEnter={(_event, node) => setPointed(node.id)}
        onNodeMouseLeave={() => setPointed(undefined)}
        aria-label={`Graph of ${graph.name}`}
      >
        <GraphFrame
          score={score}
          search={isLarge ? { sought, found, onChange: setSought, onTake: props.onSelect } : undefined}
        />
        {isLarge && (
          <MiniMap
            pannable
            zoomable
            position="bottom-right"
            ariaLabel="Map of the graph"
            nodeClassName={(node) => `mini tone-${toneOfNode(node as CardNode | SourceNode)}`}
          />
        )}
      </ReactFlow>
    </div>
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
            <SourceCard name={name} selected={selected === name} onSelect={() => onSelect(name)} />
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

function findModules(graph: GraphJson, sought: string): readonly string[] {
  const part = sought.trim().toLowerCase();
  if (part === '') return [];
  return Object.keys(graph.modules).filter((name) => name.toLowerCase().includes(part));
}

function toneOfNode(node: CardNode | SourceNode): string {
  return node.type === 'module' ? moduleTone(node.data.card.module).tone : 'quiet';
}

function toNode(props: GraphViewProps, place: Place, standing: Standing): CardNode | SourceNode {
  const { name, x, y, width, height } = place;
  const common = { id: name, position: { x, y }, width, height };
  if (name !== props.graph.source.name)
    return { ...common, type: 'module', data: { ...standing, card: cardProps(props, name) } };
  return {
    ...common,
    type: 'source',
    data: {
      ...standing,
      name,
      type: props.graph.source.type,
      selected: props.selected === name,
      onSelect: () => props.onSelect(name),
    },
  };
}

function cardProps(props: GraphViewProps, name: string): ModuleCardProps {
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
function thumbnailOf({ graph, view }: GraphViewProps, name: string): ModuleCardProps['thumbnail'] {
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

const ENDS: Readonly<Record<Direction, { readonly in: Position; readonly out: Position }>> = {
  across: { in: Position.Left, out: Position.Right },
  down: { in: Position.Top, out: Position.Bottom },
};

function ModuleNode({ data }: NodeProps<CardNode>): ReactNode {
  return (
    <div className={standingClass(data)}>
      <Handle type="target" position={ENDS[data.direction].in} isConnectable={false} />
      <ModuleCard {...data.card} />
      <Handle type="source" position={ENDS[data.direction].out} isConnectable={false} />
    </div>
  );
}

function SourceNodeView({ data }: NodeProps<SourceNode>): ReactNode {
  return (
    <div className={standingClass(data)}>
      <SourceCard name={data.name} selected={data.selected} onSelect={data.onSelect} />
      <Handle type="source" position={ENDS[data.direction].out} isConnectable={false} />
    </div>
  );
}

function standingClass({ isLit, isFound }: Standing): string {
  return `place${isLit ? '' : ' place-dim'}${isFound ? ' place-found' : ''}`;
}

function SourceCard(props: Pick<SourceNode['data'], 'name' | 'selected' | 'onSelect'>): ReactNode {
  return (
    <button type="button" className="card card-source" aria-pressed={props.selected} onClick={props.onSelect}>
      <span className="card-name">{props.name}</span>
      <span className="card-note">the input</span>
    </button>
  );
}

function PassingEdgeView(props: EdgeProps<PassingEdge>): ReactNode {
  const { path = '', className = 'edge', isPrevious = false, loop, pulse } = props.data ?? {};
  return (
    <g>
      {isPrevious && <title>{`${props.source} of the parent iteration, for ${props.target}`}</title>}
      {loop && <title>{loopTitle(props.source, props.target, loop)}</title>}
      <BaseEdge id={props.id} path={path} className={className} />
      {loop && (
        <text className="loop-label" x={loop.label.x} y={loop.label.y}>
          {loopLabel(loop)}
        </text>
      )}
      {pulse !== undefined && <path key={pulse} className="edge-pulse" d={path} pathLength={1} />}
    </g>
  );
}

const NODE_TYPES = { module: ModuleNode, source: SourceNodeView };
const EDGE_TYPES = { passing: PassingEdgeView };
