/**
 * Which process may register: by its token, its boot, its module, its types, and how many there are.
 *
 * A1. Only a refusal that no repeat can change is final. A process that comes too early or in too great a number is refused for now, and says hello
 *     again.
 * A2. Instances keep their node_id for as long as there is room: those that have been dead the longest make it. A name that an SDK made up
 *     never comes back, so it is forgotten an hour after its process died.
 */
import { sameSecret } from '../../../base/secrets.js';
import type { Route } from '../../../bus/bus.js';
import { isPrivateGraph } from '../../../model/private-graph.js';
import type { Hello, RefusalCode } from '../../../model/protocol.js';
import { AGENT_MODULE } from '../../../model/run.js';
import type { Answer } from '../../port.js';
import { refusal } from '../../refusal.js';
import { emit } from '../emit.js';
import { type FleetNode, instanceKey, type State } from '../state.js';
import type { Turn } from '../turn.js';
import { objectionToTwin } from './conflict.js';
import { schemaObjection } from './schemas.js';

/** Instances are remembered for long, so there is an end to them. */
const NODES_LIMIT = 10_000;
/** So that a flood of new instances looks for dead ones now and then, not each time. */
const ROOM_AT_ONCE = 100;
/** Deletes of one batch: the store keeps room for some hundred on a full disk. */
const FORGOTTEN_AT_ONCE = 200;
/** Long enough to see what became of it. */
const NAMELESS_KEPT_MS = 3_600_000;

/** Who says hello, as the frame around it says: nothing and 0 unless it was welcomed before. */
export interface HelloSender {
  readonly route: Route;
  readonly key: string | undefined;
  readonly nodeId: string;
  readonly incarnation: number;
}

/** A1. Why this hello is refused; nothing where it is not. */
export function objectionTo(
  turn: Turn,
  sender: HelloSender,
  hello: Hello,
): { code: RefusalCode; message: string; hint?: string } | undefined {
  const { state, settings } = turn;
  if (settings.token !== undefined && !sameSecret(hello.token, settings.token)) {
    return { code: 'unauthorized', message: 'the token is not this orchestrator’s', hint: 'set TUTTI_TOKEN' };
  }
  if (
    state.replacedBoots.has(hello.bootId) ||
    turn.loaded.replacedBoots.has(hello.bootId) ||
    isOutlived(state, sender, hello)
  ) {
    return {
      code: 'replaced',
      message: `a newer process of instance ${hello.instance} has taken this one’s place`,
    };
  }
  if (hello.module === AGENT_MODULE) {
    return state.clusters.has(hello.instance)
      ? objectionToRegistration(turn, sender, hello)
      : {
          code: 'unknown_cluster',
          message: `there is no cluster ${hello.instance}`,
          hint: `tutti cluster add ${hello.instance}`,
        };
  }
  const declared = state.moduleSpec(hello.module)?.spec;
  if (!declared) {
    const known = [
      ...new Set(
        [...state.graphs]
          .filter(([name]) => !isPrivateGraph(name))
          .flatMap(([, versions]) => [...(versions.at(-1)?.compiled.index.keys() ?? [])]),
      ),
    ];
    return {
      code: 'unknown_module',
      message: `no graph has a module ${hello.module}`,
      hint: known.length > 0 ? `known modules: ${known.join(', ')}` : 'no graph is loaded',
    };
  }
  if (hello.outputType !== '' && hello.outputType !== declared.output) {
    const names = Object.keys(declared.outputs ?? {}).join(', ');
    return {
      code: 'wrong_output_type',
      message: `${hello.module} publishes ${declared.output ?? `the outputs ${names}`}, not ${hello.outputType}`,
    };
  }
  return schemaObjection(state, hello) ?? objectionToRegistration(turn, sender, hello);
}

/** A peer that invents instances or boots could fill memory and disk with them; an honest node says hello again. */
function objectionToRegistration(
  turn: Turn,
  { route }: HelloSender,
  hello: Hello,
): { code: RefusalCode; message: string; hint?: string } | undefined {
  const { state } = turn;
  const known = state.nodesByInstance.get(instanceKey(hello.module, hello.instance));
  if (known?.bootId === hello.bootId) return undefined;
  const inUse = known && objectionToTwin(turn, known);
  if (inUse) return { code: 'instance_in_use', message: inUse, hint: 'start it under its own instance name' };
  if (!state.newcomersOfRoute.admits(route, turn.nowMs)) {
    return { code: 'too_many', message: 'too many nodes register over this connection' };
  }
  if (!state.newcomersOfInstance.admits(instanceKey(hello.module, hello.instance), turn.nowMs)) {
    return { code: 'too_many', message: `instance ${hello.instance} is started too often` };
  }
  if (!state.registrations.take(1, turn.nowMs)) {
    return { code: 'too_many', message: 'too many nodes are being started at this moment' };
  }
  if (!known && state.nodes.size >= NODES_LIMIT && makeRoom(turn) === 0) {
    return { code: 'too_many', message: `there are ${NODES_LIMIT} instances already` };
  }
  return undefined;
}

/** It was given an older incarnation than the newest, by another boot: one that was replaced so long ago that it is not on record. */
function isOutlived(state: State, { nodeId, incarnation }: HelloSender, hello: Hello): boolean {
  const known = state.nodesByInstance.get(instanceKey(hello.module, hello.instance));
  if (known === undefined || known.bootId === hello.bootId) return false;
  return nodeId === known.nodeId && incarnation > 0 && incarnation < known.incarnation;
}

/**
 * Forgets nodes with made-up names an hour after they died, and others that have long been dead where more are on record than are kept:
 * those that were seen longest ago first, so many at once. Returns how many.
 */
export function forgetNodes(
  turn: Turn,
  {
    seenBefore,
    kept,
    spared,
  }: {
    readonly seenBefore: number;
    readonly kept: number;
    /** Not these, by their node_ids. */
    readonly spared?: ReadonlySet<string>;
  },
): number {
  const { state, wallMs } = turn;
  const awaited = awaitedNodes(state);
  const dead = [...state.nodes.values()]
    .filter((node) => isGone(node) && !awaited.has(node.nodeId) && !spared?.has(node.nodeId))
    .sort((a, b) => a.heardAt - b.heardAt);
  const isNameless = ({ module, instance, heardAt }: FleetNode): boolean =>
    isMadeUp(module, instance) && heardAt < wallMs - NAMELESS_KEPT_MS;
  const nameless = dead.filter(isNameless);
  const excess = Math.max(0, state.nodes.size - nameless.length - kept);
  const old = dead
    // A node that was stopped stays stopped, so it has to be remembered.
    .filter((node) => !isNameless(node) && node.heardAt < seenBefore && node.desired !== 'stopped')
    .slice(0, excess);
  const forgotten = [...nameless, ...old].slice(0, FORGOTTEN_AT_ONCE);
  for (const { nodeId } of forgotten) emit(turn, { type: 'node.forgotten', node_id: nodeId });
  return forgotten.length;
}

/** Somebody asks for it. A process of the instance that comes later is a new node. */
export function removeNode(turn: Turn, nodeId: string): Answer {
  const node = turn.state.nodes.get(nodeId);
  if (!node) return refusal('not_found', 'unknown_node', `no node ${nodeId}`);
  if (!isGone(node) || awaitedNodes(turn.state).has(nodeId)) {
    const why =
      node.liveness === 'dead' ? 'has work that is not placed elsewhere yet' : `is ${node.liveness}`;
    return refusal('conflict', 'node_not_gone', `node ${node.instance} ${why}`, {
      hint: 'only a dead node without work can be removed: end its process first',
    });
  }
  emit(turn, { type: 'node.forgotten', node_id: nodeId });
  return { ok: true, kind: 'done', body: { node_id: nodeId } };
}

function isGone({ liveness, taken }: FleetNode): boolean {
  return liveness === 'dead' && taken === 0;
}

/** Those that a command under way is for. */
function awaitedNodes(state: State): Set<string> {
  return new Set([...state.allCommands()].flatMap(({ parts }) => parts.map(({ nodeId }) => nodeId)));
}

/** `train@host:4711-a1b2c3`: what both SDKs call a node without a name (docs/node-protocol.md). */
function isMadeUp(module: string, instance: string): boolean {
  return instance.startsWith(`${module}@`) && /:\d+-[0-9a-f]{6}$/.test(instance);
}

/** A2. Room for new instances, where there are as many as there may be: those go that have been dead the longest. */
function makeRoom(turn: Turn): number {
  return forgetNodes(turn, { seenBefore: turn.wallMs, kept: NODES_LIMIT - ROOM_AT_ONCE });
}
