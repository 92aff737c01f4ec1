/** The Nomad jobs: read by HashiCorp's own parser, of fields that Nomad documents, and fitting the image and what `tutti` understands. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '@cdktn/hcl2json';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { OPTIONS } from '../../src/config/options.js';
import { readCommandLine, readNode, readUp } from '../support/deployed.js';

const FOLDER = join(import.meta.dirname, '../../deploy/nomad');
const TOKEN = 'a-token-of-enough-characters';
const JOIN = `tutti-join-${'A'.repeat(75)}`;

/** What the job leaves to be filled in. */
const expression = (name: string): string => ['$', '{', name, '}'].join('');

const text = z.string();
const number = z.number();
/** An expression, such as `${var.image}`, is a text for the parser. */
const orExpression = <T extends z.ZodType>(type: T) => z.union([type, z.string().regex(/^\$\{var\.\w+\}$/)]);
const span = text.regex(/^\d+(s|m|h)$/);
/** A block without a label is a list; there is one of it. */
const block = <T extends z.ZodType>(type: T) =>
  z
    .array(type)
    .length(1)
    .transform(([only]) => only as z.output<T>);
const labelled = <T extends z.ZodType>(type: T) => z.record(text, block(type));

/** The parts of Nomad's job specification (https://developer.hashicorp.com/nomad/docs/job-specification) that the files use. */
const check = z.strictObject({
  name: text.optional(),
  type: z.enum(['http', 'tcp']),
  path: text,
  interval: span,
  timeout: span,
  on_update: z.enum(['require_healthy', 'ignore_warnings', 'ignore']).optional(),
  check_restart: block(z.strictObject({ limit: number, grace: span })).optional(),
});
const task = z.strictObject({
  driver: z.literal('docker'),
  user: text.optional(),
  kill_timeout: span,
  config: block(
    z.strictObject({
      image: text,
      args: z.array(text).optional(),
      ports: z.array(text).optional(),
      init: z.literal(true),
      readonly_rootfs: z.literal(true),
      cap_drop: z.tuple([z.literal('all')]),
      security_opt: z.tuple([z.literal('no-new-privileges')]),
      ulimit: block(z.strictObject({ nofile: text.regex(/^\d+:\d+$/) })).optional(),
      mount: block(z.strictObject({ type: z.literal('tmpfs'), target: z.literal('/tmp') })),
    }),
  ),
  volume_mount: block(z.strictObject({ volume: text, destination: text })).optional(),
  env: block(z.record(text, text)).optional(),
  template: z.array(
    z.strictObject({
      destination: text,
      data: text,
      env: z.boolean().optional(),
      perms: text.optional(),
      uid: number.optional(),
      gid: number.optional(),
    }),
  ),
  resources: block(z.strictObject({ cpu: number, memory: number })),
});
const group = z.strictObject({
  count: orExpression(number),
  network: block(z.strictObject({ port: labelled(z.strictObject({ static: number })) })).optional(),
  volume: labelled(
    z.strictObject({ type: z.literal('host'), source: text, read_only: z.literal(false) }),
  ).optional(),
  ephemeral_disk: block(z.strictObject({ sticky: z.boolean(), migrate: z.boolean() })).optional(),
  service: z
    .array(
      z.strictObject({
        name: text,
        provider: z.literal('nomad'),
        port: text,
        check: z.array(check).optional(),
      }),
    )
    .optional(),
  restart: block(
    z.strictObject({ attempts: number, interval: span, delay: span, mode: z.enum(['delay', 'fail']) }),
  ).optional(),
  update: block(z.strictObject({ max_parallel: number })).optional(),
  task: labelled(task),
});
const file = z.strictObject({
  variable: labelled(
    z.strictObject({ type: text, default: z.union([text, number, z.array(text)]).optional() }),
  ),
  job: labelled(z.strictObject({ datacenters: text, type: z.literal('service'), group: labelled(group) })),
});

async function jobOf(name: string) {
  const source = readFileSync(join(FOLDER, `${name}.nomad.hcl`), 'utf8');
  const read = file.parse(await parse(`${name}.nomad.hcl`, source));
  const variables = [...source.matchAll(/\bvar\.(\w+)/g)].map(([, variable]) => variable);
  expect([...new Set(variables)].sort()).toEqual(Object.keys(read.variable).sort());
  const [job, ...jobs] = Object.entries(read.job);
  const [only, ...groups] = Object.values(job![1].group);
  const [process, ...tasks] = Object.values(only!.task);
  expect([jobs, groups, tasks]).toEqual([[], [], []]);
  // A job may read the variables below its own name, and no others.
  for (const [, path] of source.matchAll(/\{\{ with nomadVar "([^"]+)" \}\}/g))
    expect(path).toBe(`nomad/jobs/${job![0]}`);
  return { source, group: only!, task: process! };
}

type Job = Awaited<ReturnType<typeof jobOf>>;

/** What Nomad makes of a template where the job's variables and the orchestrator's service are there. */
function filled(template: string): string {
  return template
    .replace(/\{\{ range nomadService "tutti-control" \}\}(.*?)\{\{ end \}\}/, '$1')
    .replace('{{ .Address }}', '10.0.0.7')
    .replace('{{ .Port }}', '7400')
    .replace(/\{\{ with nomadVar "[^"]+" \}\}/, '')
    .replace('{{ .token }}', TOKEN)
    .replace('{{ .join }}', JOIN)
    .replaceAll('{{ end }}', '');
}

function environmentOf({ task: { env = {}, template } }: Job): Record<string, string> {
  const lines = template.filter((each) => each.env).flatMap(({ data }) => filled(data).split('\n'));
  const pairs = lines.filter((line) => line.includes('=')).map((line) => line.trim().split(/=(.*)/, 2));
  return { ...env, ...(Object.fromEntries(pairs) as Record<string, string>) };
}

describe('the job of the orchestrator', () => {
  it('understands its command line and its options, and has the token in a file', async () => {
    const { task: own, group: around } = await jobOf('tutti');
    const folder = await mkdtemp(join(tmpdir(), 'tutti-nomad-'));
    const files = Object.fromEntries(
      own.template.map(({ destination, data }) => [destination, filled(data)] as const),
    );
    const config = readUp(own.config.args!, {}, files, folder);
    await rm(folder, { recursive: true, force: true });
    expect(config).toMatchObject({ data: join(folder, 'data'), host: '0.0.0.0', token: TOKEN });
    expect(config.clusters).toMatchObject([{ name: 'nomad', agent: 'remote', workdir: '/state/work' }]);
    expect([around.count, own.volume_mount]).toEqual([1, { volume: 'data', destination: '/data' }]);
    expect(Object.keys(around.volume!)).toEqual(['data']);
  });

  it('has the ports of the orchestrator, and is asked whether it lives and takes work', async () => {
    const { group: around, task: own } = await jobOf('tutti');
    const ports = Object.entries(around.network!.port).map(([name, { static: at }]) => [name, at]);
    const { httpPort, controlPort, outputsPort, eventsPort } = OPTIONS;
    expect(ports.sort()).toEqual([
      ['control', controlPort.preset],
      ['events', eventsPort.preset],
      ['http', httpPort.preset],
      ['outputs', outputsPort.preset],
    ]);
    expect([...own.config.ports!].sort()).toEqual(ports.map(([name]) => name));
    const [http, control] = around.service!;
    expect([http!.port, control!.name, control!.port]).toEqual(['http', 'tutti-control', 'control']);
    expect(http!.check!.map(({ path, check_restart: restarts }) => [path, restarts !== undefined])).toEqual([
      ['/livez', true],
      ['/readyz', false],
    ]);
  });
});

it('the job of an agent dials the orchestrator for the cluster that its options have, with its state in a volume', async () => {
  const job = await jobOf('agent');
  expect(readCommandLine(job.task.config.args!)).toEqual({
    command: 'agent',
    options: { cluster: 'nomad', state: '/state/agent' },
  });
  expect(readNode(environmentOf(job), 'tutti.agent')).toMatchObject({
    ...{ controls: ['tcp://10.0.0.7:7400'], token: TOKEN, join: JOIN, keys: '/state/keys' },
  });
  expect([job.group.count, job.task.volume_mount]).toEqual([1, { volume: 'state', destination: '/state' }]);
  expect(Object.keys(job.group.volume!)).toEqual(['state']);
});

it('the job of a node dials the orchestrator as a module under a name that stays, with keys on the disk that stays', async () => {
  const job = await jobOf('node');
  expect(readNode(environmentOf(job))).toMatchObject({
    ...{ controls: ['tcp://10.0.0.7:7400'], token: TOKEN, join: JOIN },
    ...{ instance: expression('NOMAD_ALLOC_NAME'), module: expression('var.module') },
    keys: `${expression('NOMAD_ALLOC_DIR')}/data/keys`,
  });
  expect(job.group.ephemeral_disk).toEqual({ sticky: true, migrate: true });
  expect(job.group.count).toBe(expression('var.replicas'));
});

it('a field that Nomad does not know, and a block that does not end, are found', async () => {
  const { source } = await jobOf('agent');
  const misspelt = await parse('x.hcl', source.replace('kill_timeout', 'kill_timout'));
  expect(file.safeParse(misspelt).error?.issues.map(({ code }) => code)).toContain('unrecognized_keys');
  await expect(parse('x.hcl', source.slice(0, -2))).rejects.toThrow('x.hcl');
});
