/**
 * The keys of lists: the problems of a project lie together in every list, so that a page of it costs the same whatever else there is.
 *
 * L1. The keys of a project begin with an element of its own. Those of `default` do not: so a store of before there were projects is one in which
 *     everything belongs to `default`.
 * L2. No other first element of these tables is such an element: they are numbers, states, marks and fields of outputs.
 */
import { DEFAULT_PROJECT } from '../../model/access.js';
import type { Key, Table } from '../../store/store.js';

export type List = Extract<
  Table,
  'problems_by_state' | 'problems_by_mark' | 'unfinished' | 'approvals' | 'iteration_index'
>;

/** L2. */
const PROJECT = 'project/';
/** All keys of projects come behind the one, and before the other. */
export const BEFORE_PROJECTS: Key = [PROJECT];
export const BEHIND_PROJECTS: Key = ['project0'];

/** L1. The key in a list of what belongs to a project. */
export function listed(project: string | undefined, key: Key): Key {
  return project === undefined || project === DEFAULT_PROJECT ? key : [PROJECT + project, ...key];
}

/** Whose a key of a list is, and what the key is without that. */
export function unlisted(key: Key): { readonly project: string; readonly key: Key } {
  const [first, ...rest] = key;
  return typeof first === 'string' && first.startsWith(PROJECT)
    ? { project: first.slice(PROJECT.length), key: rest }
    : { project: DEFAULT_PROJECT, key };
}

/** Where a key of a list, without its project, has the `created_seq` of its problem. */
export function problemSeqIn(list: List, key: Key): number {
  switch (list) {
    case 'problems_by_state':
    case 'problems_by_mark':
      return Number(key[1]);
    case 'unfinished':
    case 'approvals':
      return Number(key[0]);
    case 'iteration_index':
      return Number(key[2]);
    default:
      return list satisfies never;
  }
}
