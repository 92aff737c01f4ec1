/** What a node's author imports: `tutti/sdk`. */
export { TuttiError } from '../base/errors.js';
export type { NodeStatus } from '../model/node.js';
export { type AbortCode, NonRetryableError, TaskAbortedError } from './errors.js';
export { type Node, node, type RunningNode } from './node.js';
export type { NodeLogger, NodeOptions } from './options.js';
export type { Handler, Task, TaskLogLine } from './task.js';
