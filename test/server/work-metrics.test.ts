import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { metricsWithin } from '../../frontend-bridge/gateway/routes/health.js';
import type { ShownFact } from '../../src/model/facts.js';
import { WorkInView } from '../../src/orchestrator/work/work-in-view.js';
import { Labels, registerWorkMetrics } from '../../src/server/work-metrics.js';

it('counts all values beyond the limit as one, and keeps those that came first', () => {
  const labels = new Labels(2);
  expect(['a', 'b', 'c', 'd', 'a', 'b'].map((value) => labels.of(value))).toEqual([
    ...['a', 'b', 'other', 'other', 'a', 'b'],
  ]);
});

/** Metrics after a task was submitted to each project. */
async function metricsOf(projects: readonly string[]): Promise<string> {
  const [registry, work] = [new Registry(), new WorkInView()];
  registerWorkMetrics(registry, work, () => ({ slots: {}, services: {} }) as never);
  const facts = projects.map((project, n) => ({
    at: 0,
    fact: {
      ...{ type: 'iteration.submitted', problem_id: `p${n}`, iteration_id: 1, graph: 'g', graph_version: 1 },
      ...{ priority: 50, parent_iteration_id: null, ...(project !== 'default' && { project }) },
    } as ShownFact,
  }));
  work.observe(facts);
  return registry.metrics();
}

it('counts tasks by their project, and shows those of others to nobody who is bound to one', async () => {
  const text = await metricsOf(['default', 'steel', 'steel', 'tin']);
  const seen = (bound: string) =>
    metricsWithin(bound, text)
      .split('\n')
      .filter((line) => line.startsWith('tutti_tasks_submitted_total{'));
  const steel = 'tutti_tasks_submitted_total{graph="g",project="steel"} 2';
  const tin = 'tutti_tasks_submitted_total{graph="g",project="tin"} 1';
  const other = 'tutti_tasks_submitted_total{graph="g",project="default"} 1';
  expect(seen('*')).toEqual([other, steel, tin]);
  expect(seen('steel')).toEqual([steel]);
  expect(seen('default')).toEqual([other]);
  expect(seen('stee')).toEqual([]);
  expect(metricsWithin('steel', text)).not.toContain('"tin"');
  expect(metricsWithin('steel', text)).toContain('tutti_tasks{graph="g",project="steel",state="waiting"} 2');
});

it('has a bounded number of series, however many projects there are', async () => {
  const lines = (await metricsOf(Array.from({ length: 400 }, (_, n) => `p${n}`))).split('\n');
  const series = lines.filter((line) => line.startsWith('tutti_tasks_submitted_total{'));
  expect(series).toHaveLength(201);
  expect(series.at(-1)).toBe('tutti_tasks_submitted_total{graph="g",project="other"} 200');
});
