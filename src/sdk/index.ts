/** The public API for node authors: `tutti/sdk`. */
export { TuttiError } from '../base/errors.js';
export type { ClusterReach } from '../model/cluster.js';
export type { NodeStatus } from '../model/node.js';
export type { CommandNote } from '../model/run.js';
export { type AgentOptions, agent } from './agent.js';
export { type AbortCode, NonRetryableError, TaskAbortedError } from './errors.js';
export { type Node, node, type RunningNode } from './node.js';
export type { NodeLogger, NodeOptions } from './options.js';
export type { AgentControls, AgentPlay, RunError, RunInput, RunResult, RunTask } from './run-task.js';
export type { Handler, Task, TaskLogLine } from './task.js';
