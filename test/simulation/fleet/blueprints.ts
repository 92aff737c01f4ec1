/** Drawn blueprints: components that come after each other, with operations and services, and references to what others have put out. */
import {
  type Blueprint,
  COMPONENT_OPERATIONS,
  type Component,
  DEPLOY_OPERATIONS,
  type OperationSpec,
} from '../../../src/model/blueprint.js';
import type { Random } from '../../support/random.js';
import { CLUSTERS, drawService } from './drawn.js';

export const SCRIPT = './act.sh';

export function drawBlueprint(random: Random): Blueprint {
  const components: Component[] = [];
  for (let count = random.whole(1, 4); count > 0; count -= 1)
    components.push(drawComponent(components, random));
  return { name: 'shop', inputs: {}, components, outputs: {} };
}

/** References lead to what comes before, directly, and puts something out. */
function drawComponent(earlier: readonly Component[], random: Random): Component {
  const after = earlier.filter(() => random.chance(0.4));
  const known = after.filter(({ operations }) => DEPLOY_OPERATIONS.some((one) => operations[one]));
  const OF = known.length > 0 ? `\${${random.pick(known).name}.of}` : 'nothing';
  const cluster = random.chance(0.5) ? random.pick(CLUSTERS) : undefined;
  const base = {
    ...{ name: `c${earlier.length + 1}`, after: after.map(({ name }) => name), files: [] },
    ...{ require: cluster === undefined ? {} : { cluster }, resources: { cpus: 1 } },
    attempts: random.pick([1, 1, 2]),
  };
  if (!random.chance(0.3)) return { ...base, env: { OF }, operations: drawOperations(random) };
  const { name: _, ...drawn } = drawService('keeper', random);
  const count = random.whole(1, 2);
  const spec = { ...drawn, count, require: {}, run: { ...drawn.run, env: { OF } } };
  return { ...base, env: {}, operations: {}, service: { spec, withinMs: random.pick([3000, 60_000]) } };
}

function drawOperations(random: Random): Component['operations'] {
  const act: OperationSpec = { script: SCRIPT, args: [], inputs: {} };
  const drawn = COMPONENT_OPERATIONS.filter(() => random.chance(0.6));
  return Object.fromEntries((drawn.length > 0 ? drawn : ['create']).map((operation) => [operation, act]));
}
