/** The package's entry for those who embed an orchestrator or talk to one in its own terms. */
export type { Fault } from './base/errors.js';
export { TuttiError } from './base/errors.js';
export { loadConfig } from './config/config.js';
export type { Config } from './config/options.js';
export type { Answer, Coordinator, EventStream, Queries, Refusal, Request } from './orchestrator/port.js';
