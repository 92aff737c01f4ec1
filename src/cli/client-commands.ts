import type { Command } from 'commander';
import { clusterCommand } from './commands/cluster.js';
import { crateCommand } from './commands/crate.js';
import { doctorCommand } from './commands/doctor.js';
import { type GraphReader, graphCommand } from './commands/graph.js';
import { diffCommand, problemsCommand, showCommand } from './commands/history.js';
import { iterateCommand } from './commands/iterate.js';
import { exportCommand, iterationsCommand } from './commands/iterations.js';
import { jobCommands } from './commands/job.js';
import { eventsCommand, logsCommand } from './commands/logs.js';
import { problemCommand } from './commands/problem.js';
import { safekeepingCommands } from './commands/safekeeping.js';
import { secretCommand } from './commands/secret.js';
import { nodeCommand, nodesCommand, taskCommand } from './commands/steer.js';
import { submitCommand } from './commands/submit.js';
import { topCommand } from './commands/top.js';
import { watchCommand } from './commands/watch.js';
import { webhookCommand } from './commands/webhook.js';
import type { Io } from './io.js';
import { nodeKitCommand } from './node-kit/command.js';

/** Every command but `up`: those that talk to an orchestrator over HTTP, and the checks that need none. */
export function registerClientCommands(program: Command, io: Io, readGraph: GraphReader): void {
  submitCommand(program, io);
  iterateCommand(program, io);
  problemsCommand(program, io);
  problemCommand(program, io);
  iterationsCommand(program, io);
  showCommand(program, io);
  diffCommand(program, io);
  exportCommand(program, io);
  crateCommand(program, io);
  watchCommand(program, io);
  topCommand(program, io);
  logsCommand(program, io);
  eventsCommand(program, io);
  nodesCommand(program, io);
  nodeCommand(program, io);
  taskCommand(program, io);
  clusterCommand(program, io);
  secretCommand(program, io);
  webhookCommand(program, io);
  jobCommands(program, io);
  graphCommand(program, io, readGraph);
  nodeKitCommand(program, io);
  safekeepingCommands(program, io);
  doctorCommand(program, io);
}
