import { z } from 'zod';
import { ALL_PROJECTS } from '../../../src/model/access.js';
import type { Coordinator, Workspace } from '../../../src/orchestrator/port.js';
import { Activity } from '../activity.js';
import { activity } from '../answers/figures.js';
import { answers, anything, content, plainText } from '../answers/shape.js';
import { HttpError } from '../errors.js';
import { type App, found, within } from '../http.js';
import { Routes } from '../route.js';

/** When to ask again whether it is ready: seconds. */
const READY_RETRY_S = 1;

/** For probes, which have no token: they tell nothing but that. */
export function probeRoutes(app: App, coordinator: Coordinator): void {
  app.get(
    '/livez',
    {
      schema: {
        summary: 'Liveness: the process runs',
        response: answers({ 200: z.object({ status: z.literal('alive') }) }),
      },
    },
    () => ({ status: 'alive' }),
  );

  app.get(
    '/readyz',
    {
      schema: {
        summary: 'Readiness: the orchestrator accepts work',
        response: answers({
          200: z.object({ status: z.literal('ready'), hint: z.string().optional() }),
        }),
      },
    },
    () => {
      const { ready, reason, hint } = coordinator.readiness();
      if (ready) return { status: 'ready', ...(hint !== undefined && { hint }) };
      throw new HttpError(503, 'not_ready', reason ?? 'The orchestrator accepts no work.', {
        retryAfter: READY_RETRY_S,
      });
    },
  );
}

export function figureRoutes(app: App, coordinator: Coordinator, metrics: () => Promise<string>): void {
  /** By the project that who asks is bound to. */
  const activities = new Map<string, Activity>();
  const activityOf = ({ bound, events }: Workspace): Activity => {
    const activity = activities.get(bound) ?? new Activity({ events, wallMs: Date.now });
    activities.set(bound, activity);
    return activity;
  };

  app.get(
    '/metrics',
    {
      config: { action: 'read', page: 'metrics' },
      schema: {
        summary: 'Metrics for Prometheus',
        response: answers({ 200: content('Text format 0.0.4', { 'text/plain': plainText }) }),
      },
    },
    async ({ caller }, reply) =>
      reply
        .type('text/plain; version=0.0.4; charset=utf-8')
        .send(metricsWithin(caller.project, await metrics())),
  );

  new Routes(app, coordinator).find(
    '/v1/stats',
    { summary: 'Metrics as JSON', answer: anything },
    (queries) => queries.stats(),
  );

  app.get(
    '/v1/activity',
    {
      config: { action: 'read' },
      schema: {
        summary: 'Tasks submitted and ended in each minute of the last hour',
        response: answers({ 200: activity }),
      },
    },
    async (request, reply) => {
      const { cursor, ...value } = await activityOf(within(coordinator, request)).look();
      return found(reply, { cursor, value });
    },
  );
}

/** Of metrics in the text format, those of one's project and those that name none; who is bound to none gets all. */
export function metricsWithin(bound: string, text: string): string {
  if (bound === ALL_PROJECTS) return text;
  // A name of a project needs no escapes in a label, and only names of labels come before `="`.
  const own = `project="${bound}"`;
  const isShown = (line: string): boolean =>
    !/[{,]project="/.test(line) || line.includes(`{${own}`) || line.includes(`,${own}`);
  return text.split('\n').filter(isShown).join('\n');
}
