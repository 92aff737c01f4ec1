/** The numbers and names of the original's protocol, and what each is called in the graph. */

/** A module that the front ends know. */
export interface FormNode {
  readonly id: number;
  readonly name: string;
  readonly module: string;
}

export const NODES: readonly FormNode[] = [
  { id: 0, name: 'APP_REQUIREMENTS', module: 'app_requirements' },
  { id: 1, name: 'CARBON_FOOTPRINT', module: 'carbon_footprint' },
  { id: 2, name: 'HW_CONSTRAINTS', module: 'hw_constraints' },
  { id: 3, name: 'HW_RESOURCES', module: 'hw_resources' },
  { id: 4, name: 'ML_MODEL_METADATA', module: 'ml_model_metadata' },
  { id: 5, name: 'ML_MODEL', module: 'ml_model' },
];

export const APP_REQUIREMENTS = 0;
export const CARBON_FOOTPRINT = 1;
export const ML_MODEL_METADATA = 4;
export const ML_MODEL = 5;
/** Beside the six nodes: a number without a node, the user's input, and all six at once. */
export const MAX = 6;
export const ORCHESTRATOR = 7;
export const ALL = 9;

export function nodeOf(id: unknown): FormNode | undefined {
  return NODES.find((node) => node.id === id);
}

/** A problem by its alias, as the front ends name it. */
export interface TaskName {
  readonly problem_id: number;
  readonly iteration_id: number;
}

/** The front ends read a 32-bit number with a sign. */
export const MOST_ALIAS: number = 2 ** 31 - 1;
/** The graph that they speak of. */
export const GRAPH = 'sustainml';
/** Identifies the facade's iterations. */
export const CLIENT = 'sustainml';
/** Kilograms inside; the front ends show grams. */
export const GRAMS = 1000;
