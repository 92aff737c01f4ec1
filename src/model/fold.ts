/**
 * The fold: what each fact makes of the state. It is the only code that changes what survives a restart.
 *
 * P1. Total: every fact may come in every state. One that the transition tables do not allow is a bug of the code that emitted it: it throws, and the
 *     step that it belongs to is undone.
 * P2. It decodes no payload, reads no clock and asks nobody: all that it needs is in the fact and its moment.
 */
import type { DurableState, Moment } from './durable.js';
import type { Fact } from './facts.js';
import { addGrant, removeGrant } from './fold/access.js';
import {
  askProposer,
  beginCampaign,
  closeCampaign,
  endCampaign,
  finalizeCampaign,
  forgetCampaign,
  iterateCampaign,
  judgeIteration,
  missNodes,
  pauseCampaign,
  runCampaign,
  stepCampaign,
} from './fold/campaign.js';
import { putCluster, removeCluster } from './fold/cluster.js';
import { applyCommand } from './fold/command.js';
import { endDeployment, startDeployment } from './fold/deployment.js';
import {
  acceptExecution,
  addLine,
  assignExecution,
  confirmExecution,
  endExecution,
  leaveLineOut,
  noteCommand,
  noteEnding,
  noteProgress,
  recordOutput,
  runExecution,
  stopExecution,
} from './fold/execution.js';
import { mapModule, reuseItem, startMap, succeedItem, waitItem } from './fold/map.js';
import {
  describeNode,
  desireNode,
  forgetNode,
  joinNode,
  leaveNode,
  setLiveness,
  setStatus,
} from './fold/node.js';
import { removeSecret, resealSecret, setSecret } from './fold/secret.js';
import {
  endReplica,
  forgetReplica,
  judgeService,
  missReplica,
  placeReplica,
  putService,
  removeService,
  runReplica,
  startReplica,
  steadyReplica,
  stopReplica,
  unplaceReplica,
} from './fold/service.js';
import {
  abandonTask,
  changeProblem,
  compareTask,
  createProblem,
  decideApproval,
  desireTaskEnd,
  endLoop,
  endTask,
  failModule,
  noteBootDied,
  passLoop,
  requestApproval,
  requeueTask,
  resetModule,
  reuseModule,
  runTask,
  setModule,
  submitTask,
  suspendTask,
  waitModule,
} from './fold/task.js';
import { addWebhook, changeWebhook, noteAttempt, passEvents, removeWebhook } from './fold/webhook.js';

/** P1, P2. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one line for each fact, and the compiler checks that none is missing.
export function apply(state: DurableState, fact: Fact, moment: Moment): void {
  switch (fact.type) {
    case 'execution.assigned':
      assignExecution(state, fact, moment);
      return;
    case 'execution.accepted':
      acceptExecution(state, fact, moment);
      return;
    case 'execution.confirmed':
      confirmExecution(state, fact, moment);
      return;
    case 'execution.running':
      runExecution(state, fact, moment);
      return;
    case 'execution.progress':
    case 'execution.progressed':
      noteProgress(state, fact, moment);
      return;
    case 'execution.log':
      addLine(state, fact, moment);
      return;
    case 'execution.command':
      noteCommand(state, fact, moment);
      return;
    case 'execution.line_left_out':
      leaveLineOut(state, fact);
      return;
    case 'output.recorded':
      recordOutput(state, fact, moment);
      return;
    case 'output.refused':
      return;
    case 'execution.stopping':
      stopExecution(state, fact, moment);
      return;
    case 'execution.ending':
      noteEnding(state, fact, moment);
      return;
    case 'execution.succeeded':
      endExecution(state, fact, 'succeeded', moment);
      return;
    case 'execution.failed':
      endExecution(state, fact, 'failed', moment);
      return;
    case 'execution.cancelled':
      endExecution(state, fact, 'cancelled', moment);
      return;
    case 'execution.preempted':
      endExecution(state, fact, 'preempted', moment);
      return;
    case 'execution.rejected':
      endExecution(state, fact, 'rejected', moment);
      return;
    case 'execution.lost':
      endExecution(state, fact, 'lost', moment);
      return;
    case 'approval.requested':
      requestApproval(state, fact, moment);
      return;
    case 'approval.decided':
      decideApproval(state, fact, moment);
      return;
    case 'module.waiting':
      waitModule(state, fact, moment);
      return;
    case 'module.succeeded':
    case 'module.stopped':
    case 'module.served':
    case 'module.skipped':
      setModule(state, fact, moment);
      return;
    case 'module.failed':
      failModule(state, fact, moment);
      return;
    case 'module.reused':
      reuseModule(state, fact, moment);
      return;
    case 'module.reset':
      resetModule(state, fact, moment);
      return;
    case 'map.started':
      startMap(state, fact, moment);
      return;
    case 'item.waiting':
      waitItem(state, fact, moment);
      return;
    case 'item.succeeded':
      succeedItem(state, fact, moment);
      return;
    case 'item.reused':
      reuseItem(state, fact, moment);
      return;
    case 'module.mapped':
      mapModule(state, fact, moment);
      return;
    case 'loop.passed':
      passLoop(state, fact, moment);
      return;
    case 'loop.ended':
      endLoop(state, fact, moment);
      return;
    case 'module.boot_died':
      noteBootDied(state, fact, moment);
      return;
    case 'problem.created':
      createProblem(state, fact, moment);
      return;
    case 'problem.changed':
      changeProblem(state, fact, moment);
      return;
    case 'iteration.submitted':
      submitTask(state, fact, moment);
      return;
    case 'iteration.started':
    case 'iteration.resumed':
      runTask(state, fact, moment);
      return;
    case 'iteration.suspended':
      suspendTask(state, fact, moment);
      return;
    case 'iteration.succeeded':
      endTask(state, fact, 'succeeded', moment);
      return;
    case 'iteration.failed':
      endTask(state, fact, 'failed', moment);
      return;
    case 'iteration.cancelled':
      endTask(state, fact, 'cancelled', moment);
      return;
    case 'iteration.aborted':
      endTask(state, fact, 'aborted', moment);
      return;
    case 'task.requeued':
      requeueTask(state, fact, moment);
      return;
    case 'task.stopping':
      desireTaskEnd(state, fact, moment);
      return;
    case 'task.compared':
      compareTask(state, fact, moment);
      return;
    case 'task.abandoned':
      abandonTask(state, fact, moment);
      return;
    case 'node.joined':
      joinNode(state, fact, moment);
      return;
    case 'node.described':
      describeNode(state, fact, moment);
      return;
    case 'node.status':
    case 'node.turned':
      setStatus(state, fact, moment);
      return;
    case 'node.desired':
      desireNode(state, fact, moment);
      return;
    case 'node.alive':
      setLiveness(state, fact, 'alive', moment);
      return;
    case 'node.unresponsive':
      setLiveness(state, fact, 'unresponsive', moment);
      return;
    case 'node.dead':
      setLiveness(state, fact, 'dead', moment);
      return;
    case 'node.left':
      leaveNode(state, fact, moment);
      return;
    case 'node.forgotten':
      forgetNode(state, fact);
      return;
    case 'cluster.online':
    case 'cluster.offline':
    case 'node.deaf':
    case 'node.conflict':
      return;
    case 'cluster.added':
    case 'cluster.changed':
      putCluster(state, fact, moment);
      return;
    case 'cluster.removed':
      removeCluster(state, fact);
      return;
    case 'secret.set':
      setSecret(state, fact, moment);
      return;
    case 'secret.resealed':
      resealSecret(state, fact);
      return;
    case 'secret.removed':
      removeSecret(state, fact);
      return;
    case 'key.kept':
      state.undo.put(state.keys, fact.key_id, fact.entry);
      return;
    case 'key.dropped':
      state.undo.remove(state.keys, fact.key_id);
      return;
    case 'deployment.started':
      startDeployment(state, fact, moment);
      return;
    case 'deployment.succeeded':
    case 'deployment.failed':
      endDeployment(state, fact, moment);
      return;
    case 'campaign.initializing':
      beginCampaign(state, fact, moment);
      return;
    case 'campaign.missing':
      missNodes(state, fact, moment);
      return;
    case 'campaign.running':
      runCampaign(state, fact, moment);
      return;
    case 'campaign.paused':
    case 'campaign.resumed':
      pauseCampaign(state, fact, moment);
      return;
    case 'campaign.stepped':
      stepCampaign(state, fact, moment);
      return;
    case 'campaign.asked':
      askProposer(state, fact, moment);
      return;
    case 'campaign.iterated':
      iterateCampaign(state, fact, moment);
      return;
    case 'campaign.judged':
      judgeIteration(state, fact, moment);
      return;
    case 'campaign.closed':
      closeCampaign(state, fact, moment);
      return;
    case 'campaign.finalizing':
      finalizeCampaign(state, fact, moment);
      return;
    case 'campaign.completed':
    case 'campaign.aborted':
    case 'campaign.errored':
      endCampaign(state, fact, moment);
      return;
    case 'problem.hidden':
      forgetCampaign(state, fact);
      return;
    case 'service.applied':
      putService(state, fact, moment);
      return;
    case 'service.degraded':
    case 'service.restored':
      judgeService(state, fact);
      return;
    case 'service.removed':
      removeService(state, fact);
      return;
    case 'replica.placed':
      placeReplica(state, fact, moment);
      return;
    case 'replica.starting':
      startReplica(state, fact, moment);
      return;
    case 'replica.running':
    case 'replica.ready':
      runReplica(state, fact, moment);
      return;
    case 'replica.completed':
      endReplica(state, fact, 'completed', moment);
      return;
    case 'replica.failed':
      endReplica(state, fact, 'failed', moment);
      return;
    case 'replica.stopped':
      endReplica(state, fact, 'stopped', moment);
      return;
    case 'replica.lost':
      missReplica(state, fact, moment);
      return;
    case 'replica.stopping':
      stopReplica(state, fact);
      return;
    case 'replica.waiting':
      unplaceReplica(state, fact, moment);
      return;
    case 'replica.steady':
      steadyReplica(state, fact);
      return;
    case 'replica.forgotten':
      forgetReplica(state, fact);
      return;
    case 'webhook.added':
      addWebhook(state, fact, moment);
      return;
    case 'webhook.changed':
      changeWebhook(state, fact);
      return;
    case 'webhook.tried':
      noteAttempt(state, fact, moment);
      return;
    case 'webhook.passed':
      passEvents(state, fact);
      return;
    case 'webhook.removed':
      removeWebhook(state, fact);
      return;
    case 'access.granted':
      addGrant(state, fact, moment);
      return;
    case 'access.revoked':
      removeGrant(state, fact);
      return;
    case 'audit.noted':
      if (fact.audit_id > state.audited) state.undo.set(state, 'audited', fact.audit_id);
      return;
    case 'command.issued':
    case 'command.answered':
    case 'command.stopped':
    case 'command.acked':
    case 'command.refused':
    case 'command.expired':
      applyCommand(state, fact, moment);
      return;
    // Their rows are all that there is of them.
    case 'graph.stored':
    case 'blob.stored':
    case 'request.answered':
    case 'iteration.indexed':
    case 'index.completed':
    case 'ages.doubted':
    case 'ages.trusted':
    case 'iteration.thinned':
    case 'iteration.removed':
    case 'problem.removed':
    case 'events.removed':
    case 'blob.removed':
    case 'answers.removed':
    case 'commands.removed':
    case 'boots.removed':
      return;
    default:
      fact satisfies never;
  }
}
