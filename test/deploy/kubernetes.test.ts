/** The Helm chart, rendered: what it makes is valid for Kubernetes, fits together, and fits the image and what `tutti` understands. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { StatefulSet } from 'kubernetes-models/apps/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ConfigMap, Service } from 'kubernetes-models/v1';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Config, OPTIONS } from '../../src/config/options.js';
import { ChartRenderer, chart, hasGo, type Resource, values, valuesSchema } from '../support/chart.js';
import { readCommandLine, readNode, readUp } from '../support/deployed.js';

const ROOT = join(import.meta.dirname, '../..');
const KINDS = { ConfigMap, PodDisruptionBudget, Service, StatefulSet };
/** Of the objects that have it, a member with names of one's own. */
const FREE = new Set(['data', 'labels', 'annotations', 'matchLabels', 'nodeSelector', 'limits', 'requests']);
const TOKEN = 'a-token-of-enough-characters';
const JOIN = `tutti-join-${'A'.repeat(75)}`;

/** The faults of an object by the schemas of Kubernetes, fields that they do not have included. */
function faultsOf(resource: Resource): string[] {
  const Kind = KINDS[resource.kind as keyof typeof KINDS];
  if (Kind?.apiVersion !== resource.apiVersion)
    return [`${resource.apiVersion} ${resource.kind} is not known`];
  const looked = new Set<string>();
  // The schemas allow fields that they do not name. What they name, they look at.
  const watched = (value: object, path: string): object =>
    new Proxy(value, {
      get: (target, key) => {
        const inner: unknown = Reflect.get(target, key);
        if (typeof key !== 'string') return inner;
        looked.add(`${path}/${key}`);
        return typeof inner === 'object' && inner !== null ? watched(inner, `${path}/${key}`) : inner;
      },
    });
  const faults: string[] = [];
  try {
    Kind.prototype.validate.call(watched(resource, '') as never);
  } catch (error) {
    faults.push(String(error));
  }
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      const at = `${path}/${key}`;
      if (!looked.has(at)) faults.push(`${resource.kind} ${resource.metadata.name}: ${at} is not a field`);
      else if (!FREE.has(key)) visit(inner, at);
    }
  };
  visit(resource, '');
  return faults;
}

describe('the values of the chart', () => {
  const isValid = new Ajv().compile(valuesSchema);

  it('have a schema that knows what there is and refuses what there is not', () => {
    for (const known of Object.values(values)) {
      isValid(known);
      expect(isValid.errors).toBeNull();
    }
    for (const wrong of [
      { agent: [] },
      { image: { name: 'tutti' } },
      { nodes: [{ name: 'a', module: 'Not a module', image: 'i', join: 'j' }] },
      { agents: [{ cluster: { name: 'a', type: 'local' } }] },
      { orchestrator: { graphs: { 'tutti.yaml': '' } } },
    ])
      expect([wrong, isValid(wrong)]).toEqual([wrong, false]);
  });

  it('have the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect([chart.version, chart.appVersion]).toEqual([version, version]);
  });
});

describe.skipIf(!hasGo)(`the chart${hasGo ? '' : ' (needs golang-go and sprig)'}`, () => {
  let renderer: ChartRenderer;
  let folder: string;
  let all: Resource[];
  const named = (kind: string, name: string): Resource =>
    all.find((resource) => resource.kind === kind && resource.metadata.name === name);
  const workloads = (): Resource[] => all.filter(({ kind }) => kind === 'StatefulSet');
  const container = (name: string): Resource => named('StatefulSet', name).spec.template.spec.containers[0];
  const plainEnv = (name: string): Record<string, string> =>
    Object.fromEntries(
      (container(name).env as Resource[]).map(({ name: variable, value, valueFrom }) => [
        variable,
        value ??
          { token: TOKEN, join: JOIN, 'metadata.name': `${name}-0`, key: 'key' }[
            (valueFrom.secretKeyRef?.key ?? valueFrom.fieldRef.fieldPath) as string
          ],
      ]),
    );

  beforeAll(async () => {
    renderer = await ChartRenderer.build();
    folder = await mkdtemp(join(tmpdir(), 'tutti-kubernetes-'));
    all = renderer.render(values.full);
  }, 120_000);
  afterAll(async () => {
    await renderer?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it('is an orchestrator by default, and agents and nodes where values name them', () => {
    const names = (resources: Resource[]) =>
      resources.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort();
    const orchestrator = ['ConfigMap tutti', 'Service tutti', 'StatefulSet tutti'];
    expect(names(renderer.render(values.defaults))).toEqual(orchestrator);
    expect(names(all)).toEqual(
      [
        ...orchestrator,
        ...['kubernetes', 'hpc'].map((cluster) => `StatefulSet tutti-agent-${cluster}`),
        ...['train-gpu', 'square'].map((node) => `StatefulSet tutti-node-${node}`),
        'PodDisruptionBudget tutti-node-train-gpu',
      ].sort(),
    );
  });

  it('has only objects and fields that Kubernetes knows', () => {
    expect([...all, ...renderer.render(values.defaults)].flatMap(faultsOf)).toEqual([]);
    // The check itself finds a slip of the pen, wherever it is.
    const slip = structuredClone(named('StatefulSet', 'tutti'));
    slip.spec.template.spec.containers[0].readinesProbe = {};
    slip.spec.replicas = 'one';
    expect(faultsOf(slip)).toEqual([
      expect.stringContaining('replicas'),
      'StatefulSet tutti: /spec/template/spec/containers/0/readinesProbe is not a field',
    ]);
  });

  it('selects each pod by one workload and its Service, and by nothing else', () => {
    const fits = (selector: object, labels: Record<string, string>) =>
      Object.entries(selector).every(([label, value]) => labels[label] === value);
    for (const { metadata, spec } of workloads()) {
      const { labels } = spec.template.metadata;
      const chosenBy = workloads().filter((other) => fits(other.spec.selector.matchLabels, labels));
      expect(chosenBy.map((other) => other.metadata.name)).toEqual([metadata.name]);
      expect(fits(named('Service', 'tutti').spec.selector, labels)).toBe(metadata.name === 'tutti');
      const guards = all.filter(
        ({ kind, spec: own }) => kind === 'PodDisruptionBudget' && fits(own.selector.matchLabels, labels),
      );
      expect(guards.map((guard) => guard.metadata.name)).toEqual(spec.replicas > 1 ? [metadata.name] : []);
      expect(named('Service', spec.serviceName)).toBeDefined();
    }
  });

  it('gives every mount a volume, and every process the rights that it needs and no others', () => {
    for (const { spec } of workloads()) {
      const pod = spec.template.spec;
      const volumes = [
        ...pod.volumes.map(({ name }: Resource) => name),
        ...spec.volumeClaimTemplates.map(({ metadata }: Resource) => metadata.name),
      ];
      expect(pod.containers[0].volumeMounts.map(({ name }: Resource) => name).sort()).toEqual(volumes.sort());
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        // The address of a Service `tutti-control` would be TUTTI_CONTROL_PORT.
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 },
      });
      expect(pod.containers[0].securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });

  describe('the orchestrator', () => {
    let config: Config;

    beforeAll(() => {
      const options = named('StatefulSet', 'tutti').spec.template.spec.volumes.find(
        ({ configMap }: Resource) => configMap,
      );
      const { data } = named('ConfigMap', options.configMap.name);
      const files = Object.fromEntries(
        options.configMap.items.map(({ key, path }: Resource) => [`/etc/tutti/${path}`, data[key]]),
      );
      expect(Object.keys(data).sort()).toEqual(
        options.configMap.items.map(({ key }: Resource) => key).sort(),
      );
      config = readUp(container('tutti').args, plainEnv('tutti'), files, folder);
    });

    it('understands its command line, its environment and its options', () => {
      expect(config).toMatchObject({
        data: join(folder, 'data'),
        host: '0.0.0.0',
        token: TOKEN,
        logLevel: 'warn',
        keepEvents: 1_000_000,
        origins: ['https://tutti.example.org'],
        graphs: [join(folder, 'etc/tutti/graphs/squares.yaml')],
      });
      expect(readFileSync(config.graphs[0]!, 'utf8')).toContain('name: squares');
      expect(container('tutti').volumeMounts).toContainEqual({ name: 'data', mountPath: '/data' });
    });

    it('has the clusters of the agents beside those of its own options', () => {
      expect(config.clusters).toMatchObject([
        { name: 'lab', agent: 'managed', slots: 2 },
        { name: 'kubernetes', agent: 'remote', workdir: '/state/work', labels: { site: 'here' } },
        { name: 'hpc', agent: 'remote', type: 'slurm', identity: '/etc/tutti/ssh/identity' },
      ]);
    });

    it('listens where the Service leads and where the image says', () => {
      const { ports } = container('tutti');
      const service = named('Service', 'tutti').spec.ports;
      expect(
        service.map(({ targetPort, port }: Resource) => ({ name: targetPort, containerPort: port })),
      ).toEqual(ports);
      const { httpPort, controlPort, outputsPort, eventsPort } = OPTIONS;
      const own = [httpPort, controlPort, outputsPort, eventsPort].map(({ preset }) => preset);
      expect(ports.map(({ containerPort }: Resource) => containerPort)).toEqual(own);
      const [, exposed] = /^EXPOSE (.*)$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))!;
      expect(exposed!.split(' ').map(Number)).toEqual(own);
    });

    it('is asked by its probes whether it lives and takes work', () => {
      const { startupProbe, livenessProbe, readinessProbe } = container('tutti');
      expect([startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet)).toEqual([
        { path: '/livez', port: 'http' },
        { path: '/livez', port: 'http' },
        { path: '/readyz', port: 'http' },
      ]);
    });

    it('starts anew where its options are others, and only there', () => {
      const checksum = (given: Resource) =>
        renderer.render(given).find(({ kind }) => kind === 'StatefulSet').spec.template.metadata.annotations[
          'checksum/options'
        ];
      const { defaults } = values as Resource;
      const orchestrator = { ...defaults.orchestrator, options: { log_level: 'debug' } };
      expect(checksum({ ...defaults, orchestrator })).not.toBe(checksum(defaults));
      expect(checksum({ ...defaults, image: { repository: 'x' } })).toBe(checksum(defaults));
    });
  });

  it.each(['kubernetes', 'hpc'])('starts the agent of %s with its state in the volume', (cluster) => {
    const { args, volumeMounts } = container(`tutti-agent-${cluster}`);
    expect(readCommandLine(args)).toEqual({ command: 'agent', options: { cluster, state: '/state/agent' } });
    expect(readNode(plainEnv(`tutti-agent-${cluster}`), 'tutti.agent')).toMatchObject({
      ...{ controls: ['tcp://tutti:7400'], token: TOKEN, join: JOIN, keys: '/state/keys' },
    });
    expect(volumeMounts).toContainEqual({ name: 'state', mountPath: '/state' });
    const ssh = { name: 'ssh', mountPath: '/etc/tutti/ssh', readOnly: true };
    expect(volumeMounts.filter(({ name }: Resource) => name === 'ssh')).toEqual(
      cluster === 'hpc' ? [ssh] : [],
    );
  });

  it('gives a node its module, a name that stays, and what it dials', () => {
    const name = 'tutti-node-train-gpu';
    expect(readNode(plainEnv(name))).toMatchObject({
      ...{ module: 'train', instance: `${name}-0`, controls: ['tcp://tutti:7400'] },
      ...{ token: TOKEN, join: JOIN, keys: '/state/keys' },
    });
    expect(container(name)).toMatchObject({ command: ['python3', '/app/train.py'], args: ['--quiet'] });
    expect(plainEnv(name)).toMatchObject({ OMP_NUM_THREADS: '2', API_KEY: 'key' });
  });
});
