import { describe, expect, it } from 'vitest';
import {
  LIVENESSES,
  type Liveness,
  livenessMayBecome,
  NODE_CMDS,
  NODE_STATUSES,
  type NodeCmd,
  type NodeStatus,
  nodeAccepts,
  nodeMayBecome,
} from '../../src/model/node.js';

/** From the row to the column: 1 where it may. */
const STATUS: Record<NodeStatus, string> = {
  //            INACTIVE INITIALIZING IDLE RUNNING TERMINATING ERROR
  INACTIVE: '0 1 0 0 1 1',
  INITIALIZING: '1 0 1 0 1 1',
  IDLE: '1 1 0 1 1 1',
  RUNNING: '1 1 1 0 1 1',
  TERMINATING: '0 0 0 0 0 1',
  ERROR: '0 1 1 1 1 0',
};

/** In the row's status the column's command: 1 where it makes sense. */
const COMMANDS: Record<NodeStatus, string> = {
  //            START STOP RESET TERMINATE
  INACTIVE: '1 1 1 1',
  INITIALIZING: '1 1 1 1',
  IDLE: '1 1 1 1',
  RUNNING: '1 1 1 1',
  TERMINATING: '0 0 0 1',
  ERROR: '0 0 1 1',
};

const LIVENESS: Record<Liveness, string> = {
  //            alive unresponsive dead
  alive: '0 1 1',
  unresponsive: '1 0 1',
  dead: '1 0 0',
};

describe('a node', () => {
  it.each(NODE_STATUSES.flatMap((from) => NODE_STATUSES.map((to, column) => ({ from, to, column }))))(
    'a node in $from may become $to, or not, as the table says',
    ({ from, to, column }) => {
      expect(nodeMayBecome(from, to)).toBe(STATUS[from].split(' ')[column] === '1');
    },
  );

  it.each(
    NODE_STATUSES.flatMap((status) => NODE_CMDS.map((cmd: NodeCmd, column) => ({ status, cmd, column }))),
  )('a node in $status accepts $cmd, or not, as the table says', ({ status, cmd, column }) => {
    expect(nodeAccepts(status, cmd)).toBe(COMMANDS[status].split(' ')[column] === '1');
  });

  it.each(LIVENESSES.flatMap((from) => LIVENESSES.map((to, column) => ({ from, to, column }))))(
    'a $from node may be declared $to, or not, as the table says',
    ({ from, to, column }) => {
      expect(livenessMayBecome(from, to)).toBe(LIVENESS[from].split(' ')[column] === '1');
    },
  );
});
