/** Who may do what: the one table, which HTTP, WebSocket and the facade for SustainML's front ends consult; and grants, by which people get a role. */
import type { ApprovalRole } from './approval.js';

/** Each may do all that those before it may. */
export const ROLES = ['viewer', 'author', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export type Action =
  /** Lists, searches, exports, outputs, figures, the stream. */
  | 'read'
  /** New problems and further iterations, and the blobs that their inputs name. */
  | 'submit'
  /** Titles, tags, notes, stars. */
  | 'change_problem'
  /** Stopping, resetting and preempting tasks. */
  | 'command_task'
  /** Approving and denying, as far as the graph asks this role. */
  | 'decide_approval'
  /** Submitting and cancelling jobs. */
  | 'run_job'
  /** Commands and configurations of nodes, and removing them. */
  | 'control_node'
  /** Join tokens, subscribers, and the keys of nodes and of the orchestrator. */
  | 'manage_keys'
  | 'store_graph'
  | 'manage_cluster'
  | 'manage_secret'
  | 'run_campaign'
  | 'manage_deployment'
  | 'manage_service'
  | 'manage_webhook'
  /** Granting and revoking access. */
  | 'manage_access'
  | 'read_audit';

/** For each action, the first role that may do it. */
export const LEAST_ROLE: Readonly<Record<Action, Role>> = {
  read: 'viewer',
  submit: 'author',
  change_problem: 'author',
  command_task: 'author',
  decide_approval: 'author',
  run_job: 'author',
  control_node: 'operator',
  manage_keys: 'operator',
  store_graph: 'operator',
  manage_cluster: 'operator',
  manage_secret: 'operator',
  run_campaign: 'author',
  manage_deployment: 'operator',
  manage_service: 'operator',
  manage_webhook: 'operator',
  manage_access: 'admin',
  read_audit: 'admin',
};

export function mayDo(role: Role, action: Action): boolean {
  return isAtLeast(role, LEAST_ROLE[action]);
}

/** Whether somebody may decide where a graph asks this role. */
export function mayDecide(role: Role, asked: ApprovalRole): boolean {
  return isAtLeast(role, asked);
}

function isAtLeast(role: Role, least: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(least);
}

/** Why somebody is refused for want of a role, and what helps. */
export interface RoleNeeded {
  readonly code: `${Role}_needed`;
  readonly message: string;
  readonly hint: string;
}

/**
 * Whether somebody of a role may do something, as the table says: nothing where they may. HTTP, WebSocket, commands and the facade for SustainML's front ends all
 * ask here. `who`: how they are called.
 */
export function roleNeeded(role: Role, action: Action, who: string): RoleNeeded | undefined {
  return missingRole(role, LEAST_ROLE[action], who);
}

/** The same where the role that is needed is not the table's alone: a graph may ask a higher one. */
export function missingRole(role: Role, needed: Role, who: string): RoleNeeded | undefined {
  if (isAtLeast(role, needed)) return undefined;
  return {
    code: `${needed}_needed`,
    message: `This needs the role ${needed}; ${who} has the role ${role}.`,
    hint: `Ask an administrator for a token with the role ${needed} (tutti access grant).`,
  };
}

/** Pages that can be public. */
export const PUBLIC_PAGES = ['metrics', 'openapi'] as const;
export type PublicPage = (typeof PUBLIC_PAGES)[number];

/** Of what its creator is bound to no project, and of what was made before there were projects. */
export const DEFAULT_PROJECT = 'default';
/** In the place of a project: those who are bound to none. */
export const ALL_PROJECTS = '*';
export const PROJECT_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** That grants name. A list of all projects reads those of each, and metrics tell them apart. */
export const MAX_PROJECTS = 100;

/** Whether somebody who is bound to a project, or to none, may see what is of a project; nothing: of none. */
export function maySee(bound: string, project: string | undefined): boolean {
  return bound === ALL_PROJECTS || project === undefined || bound === project;
}

/** Where what somebody makes belongs. */
export function projectFor(bound: string): string {
  return bound === ALL_PROJECTS ? DEFAULT_PROJECT : bound;
}

export interface Grant {
  readonly id: string;
  /** Of the person or program that has its token, for people to read. */
  readonly name: string;
  readonly role: Role;
  /** The one that it is bound to; `ALL_PROJECTS`: none. */
  readonly project: string;
  /** SHA-256 of the token, in hexadecimal: of 256 random bits, a slow hash would keep no more than this one. */
  readonly hash: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** Unix milliseconds. @default never */
  readonly expiresAt: number | undefined;
}

export const GRANT_TOKEN_PREFIX = 'tutti-access-';
/** Of the tokens with which nodes get and put blobs. */
export const NODE_TOKEN_PREFIX = 'tutti-node-';
export const GRANT_TOKEN_BYTES = 32;
/** Memory holds all of them. */
export const MAX_GRANTS = 1_000;
export const MAX_GRANT_NAME = 100;

/** The name under which a token is sealed in the vault; no secret can have it. */
export function sealedGrant(accessId: string): string {
  return `access ${accessId}`;
}
