/** The metrics of the work, and that the dashboard and the alert rules name metrics and labels that there are. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { namesIn } from '../support/promql.js';

const DEPLOY = join(import.meta.dirname, '../../deploy');

let text = '';

/** The value of the series that has these labels, among others. */
function value(name: string, labels: Readonly<Record<string, string>>, metrics: string = text): number {
  const line = metrics
    .split('\n')
    .filter((each) => each.startsWith(`${name}{`))
    .find((each) => Object.entries(labels).every(([label, of]) => each.includes(`${label}="${of}"`)));
  return Number(line?.split(' ').at(-1));
}

const metricsOf = async ({ ready }: OrchestratorProcess): Promise<string> =>
  (await fetch(`${ready.http}/metrics`)).text();

describe('the metrics of the work', () => {
  const scene = Scene.ofFile();
  let orchestrator: OrchestratorProcess;

  beforeAll(async () => {
    orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one', 'pair'] });
    const tape = orchestrator.tape();
    startNode(scene, orchestrator, { module: 'work', capacity: 3 });
    const once = { work: { fail: { times: 1, code: 'boom', message: 'not yet' } } };
    const never = { work: { fail: { times: 9, code: 'boom', message: 'never', final: true } } };
    for (const input of [once, never]) await tape.ended((await orchestrator.submit('one', input)).task_id);
    // Nobody plays its modules.
    await orchestrator.submit('pair', { name: 'waits' });
    // No cluster has the label.
    const service = { command: ['sleep', '1000'], count: 2, require: { site: 'nowhere' } };
    expect((await orchestrator.put('/v1/services/idle', service)).status).toBe(201);
    await tape.first('a degraded service', ({ type }) => type === 'service.degraded');
    text = await metricsOf(orchestrator);
  });

  it('say of a service how many replicas are to be up, and how many are', () => {
    const idle = { service: 'idle' };
    expect(
      ['replicas_wanted', 'replicas_up', 'degraded', 'restarts'].map((name) =>
        value(`tutti_service_${name}`, idle),
      ),
    ).toEqual([2, 0, 1, 0]);
  });

  it('count tasks, attempts and failures, and say how long they took', () => {
    const one = { graph: 'one' };
    const work = { graph: 'one', module: 'work' };
    expect(value('tutti_tasks_submitted_total', one)).toBe(2);
    expect(value('tutti_tasks_ended_total', { ...one, state: 'succeeded' })).toBe(1);
    expect(value('tutti_tasks_ended_total', { ...one, state: 'failed' })).toBe(1);
    expect(value('tutti_task_duration_seconds_count', { ...one, state: 'succeeded' })).toBe(1);
    // The first attempt waits for 100 ms before the second one.
    expect(value('tutti_task_duration_seconds_sum', { ...one, state: 'succeeded' })).toBeGreaterThan(0.09);
    expect(value('tutti_attempts_total', { ...work, outcome: 'succeeded' })).toBe(1);
    expect(value('tutti_attempts_total', { ...work, outcome: 'failed' })).toBe(2);
    expect(value('tutti_attempts_total', { ...work, outcome: 'lost' })).toBe(0);
    expect(value('tutti_failures_total', { ...work, code: 'boom' })).toBe(2);
    expect(value('tutti_execution_queue_seconds_count', work)).toBe(3);
    expect(value('tutti_execution_run_seconds_count', work)).toBe(3);
    expect(value('tutti_slots', { module: 'work' })).toBe(3);
    expect(value('tutti_slots_used', { module: 'work' })).toBe(0);
  });

  it('show what waits without a node, also after a restart of the orchestrator', async () => {
    const waiting = (metrics: string): number[] => [
      value('tutti_tasks', { graph: 'pair', state: 'waiting' }, metrics),
      value('tutti_waiting_for_slot', { graph: 'pair', module: 'first' }, metrics),
      value('tutti_slots', { module: 'first' }, metrics),
    ];
    expect(waiting(text)).toEqual([1, 1, Number.NaN]);
    await orchestrator.process.end();
    await orchestrator.restart();
    expect(waiting(await metricsOf(orchestrator))).toEqual([1, 1, Number.NaN]);
  });
});

describe('deploy/', () => {
  const scrape = ['instance', 'job', 'le'];
  /** Prometheus' own. */
  const FOREIGN = ['up'];

  function unknownNames(expressions: readonly string[]): string[] {
    const types = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name));
    const labels = new Set([...text.matchAll(/[{,](\w+)="/g)].map(([, name]) => name));
    const isKnown = (metric: string): boolean =>
      FOREIGN.includes(metric) || types.has(metric) || types.has(metric.replace(/_(bucket|sum|count)$/, ''));
    return expressions.flatMap((expression) => {
      const named = namesIn(expression);
      expect(named.metrics).not.toEqual([]);
      return [
        ...named.metrics.filter((metric) => !isKnown(metric)),
        ...named.labels.filter((label) => !labels.has(label) && !scrape.includes(label)),
      ];
    });
  }

  it('has alert rules in PromQL that name only metrics and labels that there are', async () => {
    const { groups } = parse(await readFile(join(DEPLOY, 'prometheus/alerts.yaml'), 'utf8')) as {
      groups: { rules: { alert: string; expr: string; annotations: { summary: string } }[] }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(10);
    expect(unknownNames(rules.map(({ expr }) => expr))).toEqual([]);
    const docs = await readFile(join(DEPLOY, '../docs/deploy.md'), 'utf8');
    expect(rules.filter(({ alert }) => !docs.includes(`\`${alert}\``))).toEqual([]);
  });

  it('has a dashboard that names only metrics and labels that there are', async () => {
    const { panels, annotations } = JSON.parse(
      await readFile(join(DEPLOY, 'grafana/tutti.json'), 'utf8'),
    ) as {
      panels: { targets?: { expr: string }[] }[];
      annotations: { list: { expr: string }[] };
    };
    const expressions = [...panels.flatMap(({ targets = [] }) => targets), ...annotations.list].map(
      ({ expr }) => expr.replaceAll('$__rate_interval', '1m'),
    );
    expect(expressions.length).toBeGreaterThan(20);
    expect(unknownNames(expressions)).toEqual([]);
  });
});
