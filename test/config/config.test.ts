import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { TuttiError } from '../../src/base/errors.js';
import { type ConfigSources, isLoopback, loadConfig } from '../../src/config/config.js';
import { OPTIONS } from '../../src/config/options.js';

const folder = mkdtempSync(join(tmpdir(), 'tutti-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function load(sources: Partial<ConfigSources> = {}) {
  return loadConfig({ flags: {}, env: {}, cwd: folder, ...sources });
}

function faultsOf(sources: Partial<ConfigSources>) {
  try {
    load(sources);
  } catch (error) {
    const { code, details } = error as TuttiError;
    expect(code).toBe('bad_config');
    return details;
  }
  return [];
}

function file(text: string): string {
  const path = join(folder, 'tutti.yaml');
  writeFileSync(path, text);
  return path;
}

describe('the configuration', () => {
  it.each([
    ['tcp://10.0.0.12:7400'],
    ['tcp://[fd00::12]:7400'],
    ['udp://10.0.0.12:53'],
    ['sctp://10.0.0.12:7400'],
  ])('does not take the address of a service that the platform sets (%s) for a port', (address) => {
    const foreign: string[] = [];
    const config = load({
      env: {
        TUTTI_CONTROL_PORT: address,
        TUTTI_CONTROL_SERVICE_HOST: '10.0.0.12',
        TUTTI_CONTROL_SERVICE_PORT: '7400',
        TUTTI_CONTROL_PORT_7400_TCP: address,
        TUTTI_CONTROL_PORT_7400_TCP_ADDR: '10.0.0.12',
        TUTTI_CONTROL_NAME: '/web/tutti-control',
        TUTTI_HTTP_PORT: address,
        TUTTI_PORT: address,
        TUTTI_EVENTS_PORT: '7777',
      },
      flags: { httpPort: '8080' },
      onForeign: (variable) => foreign.push(variable),
    });
    expect(config).toMatchObject({ controlPort: 7400, httpPort: 8080, eventsPort: 7777 });
    expect(foreign.sort()).toEqual(['TUTTI_CONTROL_PORT', 'TUTTI_HTTP_PORT']);
  });

  it.each(['tcp:7400', 'http://10.0.0.12:7400', 'tcp://10.0.0.12', '7400 '])(
    'refuses %j as a port',
    (value) => {
      expect(faultsOf({ env: { TUTTI_CONTROL_PORT: value } })).toMatchObject([{ path: 'control_port' }]);
    },
  );

  it('is complete without anything given, and frozen', () => {
    const config = load();
    expect(config).toEqual({
      ...{ data: join(folder, '.tutti'), leaseMs: 5000, host: '127.0.0.1', advertise: undefined },
      ...{ httpPort: 7480, controlPort: 7400, outputsPort: 7401, eventsPort: 7402 },
      ...{
        graphs: [],
        services: [],
        protoPaths: [],
        takeover: false,
        trustClock: false,
        origins: [],
        publicPages: [],
      },
      ...{
        token: undefined,
        tokenFile: undefined,
        sustainml: false,
        clusters: [],
        jobTypes: new Map(),
        webhooks: [],
      },
      ...{ heartbeatIntervalMs: 1000, graceMs: 10_000, outputWindow: 256, inlineMaxBytes: 65_536 },
      ...{ maxFrameBytes: 8_388_608, maxBodyBytes: 8_388_608, maxBlobBytes: 4_294_967_296 },
      ...{
        mailboxLimit: 10_000,
        keepEvents: 1_000_000,
        forgetDays: 30,
        maxTasks: 250_000,
        maxViewers: 1000,
        viewerBufferBytes: 1_048_576,
        logFormat: 'auto',
        logLevel: 'info',
      },
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.graphs)).toBe(true);
  });

  it('takes the port of the front ends, or whether there is one', () => {
    const port = (raw: unknown) => load({ flags: { sustainml: raw } }).sustainml;
    expect([true, 'true', '5002', '0', false, 'false'].map(port)).toEqual([
      5001,
      5001,
      5002,
      0,
      false,
      false,
    ]);
    expect(load({ env: { TUTTI_SUSTAINML: 'true' } }).sustainml).toBe(5001);
    expect(faultsOf({ flags: { sustainml: 'on' } })).toMatchObject([
      { path: 'sustainml', code: 'bad_value' },
    ]);
  });

  it('takes a flag before a variable before the file', () => {
    const sources = {
      flags: { httpPort: '1' },
      env: { TUTTI_HTTP_PORT: '2', TUTTI_CONTROL_PORT: '2', TUTTI_OUTPUT_WINDOW: '' },
      file: file('http_port: 3\ncontrol_port: 3\noutputs_port: 4\noutput_window: 5\n'),
    };
    expect(load(sources)).toMatchObject({ httpPort: 1, controlPort: 2, outputsPort: 4, outputWindow: 5 });
  });

  it('finds its file by flag or variable, and resolves the paths in it from its folder', () => {
    const config = file('data: data\ngraphs: [a.yaml, /b.yaml]\n');
    for (const sources of [{ flags: { config } }, { env: { TUTTI_CONFIG: config } }]) {
      expect(load({ ...sources, cwd: '/' })).toMatchObject({
        data: join(folder, 'data'),
        graphs: [join(folder, 'a.yaml'), '/b.yaml'],
      });
    }
  });

  it('takes repeated flags and lists in variables', () => {
    expect(load({ flags: { graph: ['a.yaml', 'b.yaml'] } }).graphs).toEqual([
      join(folder, 'a.yaml'),
      join(folder, 'b.yaml'),
    ]);
    const env = {
      TUTTI_PROTO_PATHS: ['/x', '/y'].join(delimiter),
      TUTTI_ORIGINS: 'https://a.example, http://b:81',
      TUTTI_PUBLIC: 'metrics, openapi',
    };
    expect(load({ env })).toMatchObject({
      protoPaths: ['/x', '/y'],
      origins: ['https://a.example', 'http://b:81'],
      publicPages: ['metrics', 'openapi'],
    });
    expect(() => load({ env: { TUTTI_PUBLIC: 'stats' } })).toThrow('metrics, openapi');
  });

  it('reads durations and sizes with their units', () => {
    const text = 'heartbeat_interval: 500ms\ninline_max: 16KiB\nmax_frame: 1048576\ntakeover: true\n';
    expect(load({ file: file(text) })).toMatchObject({
      ...{ heartbeatIntervalMs: 500, inlineMaxBytes: 16_384, maxFrameBytes: 1_048_576, takeover: true },
    });
  });

  it('names the option, the place, the value and what would be right, for every fault at once', () => {
    const faults = faultsOf({
      flags: { httpPort: '99999', takeover: 'perhaps' },
      env: { TUTTI_HEARTBEAT_INTERVAL: '5', TUTTI_HOST: 'example.com', TUTTI_LOG_LEVEL: 'loud' },
      file: file('max_frame: big\norigins: [a.example]\nhttpport: 1\nadvertise: tcp://x\n'),
    });
    expect(faults.map(({ path, code }) => `${path} ${code}`).sort()).toEqual([
      'advertise bad_value',
      'heartbeat_interval bad_value',
      'host bad_value',
      'http_port bad_value',
      'httpport unknown_option',
      'log_level bad_value',
      'max_frame bad_value',
      'origins bad_value',
      'takeover bad_value',
    ]);
    const message = (path: string) => faults.find((fault) => fault.path === path)?.message;
    expect(message('http_port')).toBe(
      'http_port (from --http-port) is "99999": give a port from 0 to 65535 (0 picks a free one)',
    );
    expect(message('host')).toContain('(from TUTTI_HOST) is "example.com"');
    expect(message('max_frame')).toContain(`(from ${join(folder, 'tutti.yaml')}:1) is "big"`);
    expect(message('httpport')).toContain('did you mean http_port?');
  });

  it('refuses to be reachable from other machines without a token', () => {
    for (const host of ['0.0.0.0', '*', '::', '192.168.1.7']) {
      expect(faultsOf({ flags: { host } })).toMatchObject([{ path: 'token', code: 'token_required' }]);
      expect(faultsOf({ flags: { host }, env: { TUTTI_TOKEN: 'abcdefghijklmnop' } })).toEqual([]);
    }
    for (const host of ['127.0.0.1', '127.8.9.1', '::1', 'localhost'])
      expect(faultsOf({ flags: { host } })).toEqual([]);
    expect(['127.0.0.1', 'localhost', '::1', '10.0.0.1', '127.evil.com'].map(isLoopback)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('refuses a token that could be guessed where other machines can reach it, and takes it where none can', () => {
    for (const length of [1, 15]) {
      const token = 'x'.repeat(length);
      expect(faultsOf({ flags: { host: '0.0.0.0', token } })).toMatchObject([
        { path: 'token', code: 'token_too_short', message: expect.stringContaining('at least 16') },
      ]);
      expect(load({ flags: { host: '::1', token } }).token).toBe(token);
    }
    expect(load({ flags: { host: '0.0.0.0', token: 'x'.repeat(16) } }).token).toHaveLength(16);
  });

  it('takes the token from a file, so that it is in no list of processes', () => {
    const path = join(folder, 'token');
    writeFileSync(path, 'a-secret-of-its-own\n');
    expect(load({ flags: { tokenFile: 'token', host: '0.0.0.0' } }).token).toBe('a-secret-of-its-own');
    expect(load({ env: { TUTTI_TOKEN_FILE: path } }).token).toBe('a-secret-of-its-own');
    expect(load({ file: file('token_file: token\n') }).token).toBe('a-secret-of-its-own');
    expect(faultsOf({ flags: { tokenFile: 'token', token: 'another' } })).toMatchObject([
      { path: 'token_file', code: 'conflict' },
    ]);
    expect(faultsOf({ flags: { tokenFile: 'nowhere', host: '0.0.0.0' } })).toMatchObject([
      { path: 'token_file', code: 'bad_file' },
    ]);
    for (const content of ['', '\n', 'two words', 'two\nlines']) {
      writeFileSync(path, content);
      const faults = faultsOf({ flags: { tokenFile: 'token' } });
      expect(faults).toMatchObject([{ path: 'token_file', code: 'bad_value' }]);
      if (content.trim() !== '') expect(JSON.stringify(faults)).not.toContain(content.trim());
    }
  });

  it('never shows a token', () => {
    const faults = faultsOf({ flags: { token: 'se cret' } });
    expect(faults).toMatchObject([{ path: 'token', code: 'bad_value' }]);
    expect(JSON.stringify(faults)).not.toContain('se cret');
  });

  it('refuses two sockets on one port, but not two free ones', () => {
    expect(faultsOf({ flags: { eventsPort: '7400' } })).toMatchObject([
      { path: 'events_port', code: 'conflict' },
    ]);
    expect(
      faultsOf({ flags: { httpPort: '0', controlPort: '0', outputsPort: '0', eventsPort: '0' } }),
    ).toEqual([]);
  });

  it('refuses frames that could not carry what is sent inline', () => {
    expect(faultsOf({ flags: { inlineMax: '1MiB', maxFrame: '1MiB' } })).toMatchObject([
      { path: 'max_frame', code: 'conflict' },
    ]);
  });

  it.each([
    ['a: [', 'bad_yaml'],
    ['- 1', 'bad_file'],
    ['__proto__: 1', 'unknown_option'],
  ])('refuses a file of %j with %s', (text, code) => {
    expect(faultsOf({ file: file(text) })).toMatchObject([{ code }]);
  });

  it('takes an empty file, and names one that is not there', () => {
    expect(faultsOf({ file: file('# nothing yet\n') })).toEqual([]);
    expect(faultsOf({ flags: { config: 'nowhere.yaml' } })).toMatchObject([
      { path: 'config', code: 'bad_file', message: expect.stringContaining('nowhere.yaml') },
    ]);
  });

  it('does not take what an object inherits for an option', () => {
    expect(load({ flags: Object.create({ httpPort: '1' }) }).httpPort).toBe(7480);
  });

  it('takes clusters from the file, each checked as over HTTP', () => {
    const clusters = `clusters:
  - { name: hpc, type: slurm, host: login, slots: 8, labels: { gpu: "true" }, resources: { memory: 1GiB } }
  - { name: here, type: local, status: inactive }
`;
    expect(load({ file: file(clusters) }).clusters).toMatchObject([
      { name: 'hpc', slots: 8, agent: 'managed', resources: { memoryBytes: 2 ** 30 } },
      { name: 'here', slots: 1, status: 'inactive' },
    ]);
    expect(load().clusters).toEqual([]);
    const faulty = `clusters:
  - { name: hpc, type: slum }
  - { name: here, type: local, slot: 3 }
  - { name: twice, type: local }
  - { name: twice, type: local }
`;
    expect(faultsOf({ file: file(faulty) })).toMatchObject([
      { path: 'clusters[0].type', message: expect.stringContaining('slurm') },
      {
        path: 'clusters[1].slot',
        code: 'unknown_field',
        message: expect.stringContaining('did you mean slots'),
      },
      { path: 'clusters[3].name', code: 'duplicate' },
    ]);
    expect(faultsOf({ file: file('clusters: { name: hpc }\n') })).toMatchObject([
      { path: 'clusters', code: 'bad_value' },
    ]);
  });

  it('takes webhooks from the file, and repeats no address and no secret of one that is at fault', () => {
    const chat = { name: 'chat', url: 'https://chat.example/xyzzy', filter: ['iteration.failed'] };
    const good = JSON.stringify({ webhooks: [{ ...chat, secret: 'correct horse' }] });
    expect(load({ file: file(good) }).webhooks).toEqual([{ ...chat, secret: 'correct horse' }]);
    const faulty = JSON.stringify({
      webhooks: [
        { ...chat, filter: ['iteration.faild'] },
        { ...chat, name: 'two', url: 'ftp://xyzzy' },
        { ...chat, name: 'three', secret: 12_345 },
      ],
    });
    const faults = faultsOf({ file: file(faulty) });
    expect(faults).toMatchObject([
      {
        ...{ path: 'webhooks[0].filter[0]', code: 'unknown_event_type' },
        message: expect.stringContaining('did you mean iteration.failed'),
      },
      { path: 'webhooks[1].url' },
      { path: 'webhooks[2].secret' },
    ]);
    expect(JSON.stringify(faults)).not.toMatch(/xyzzy|12345/);
  });

  it('takes the log parsers of jobs from the file', () => {
    const types =
      'job_types:\n  fit: { pattern: "loss=(?P<loss>[0-9.]+)", all: true }\n  last: { json: last-line }\n';
    const { jobTypes } = load({ file: file(types) });
    expect([...jobTypes].map(([name, { kind }]) => [name, kind])).toEqual([
      ['fit', 'pattern'],
      ['last', 'last line'],
    ]);
    const faulty =
      'job_types:\n  fit: { pattern: "(" }\n  "a b": { json: last-line }\n  x: { jsn: last-line }\n';
    expect(faultsOf({ file: file(faulty) })).toMatchObject([
      { path: 'job_types.fit.pattern' },
      { path: 'job_types["a b"]' },
      { path: 'job_types.x.jsn', code: 'unknown_field' },
      { path: 'job_types.x', message: expect.stringContaining('give { pattern') },
    ]);
    expect(faultsOf({ file: file('job_types: [fit]\n') })).toMatchObject([{ path: 'job_types' }]);
  });

  it('takes a database for the store, and never shows what is wrong with its URL', () => {
    const store = 'postgres://me:secret@db/tutti';
    expect(load({ env: { TUTTI_STORE: store, TUTTI_BLOBS: 'shared' } })).toMatchObject({
      store,
      blobs: join(folder, 'shared'),
    });
    const faults = faultsOf({ flags: { store: 'mysql://me:secret@db/tutti' } });
    expect(faults).toMatchObject([{ path: 'store', code: 'bad_value' }]);
    expect(JSON.stringify(faults)).not.toContain('secret');
  });

  it('has presets that its own options would accept', () => {
    for (const { name, preset, read } of Object.values(OPTIONS)) {
      if (preset === undefined) continue;
      const isDuration = ['heartbeat_interval', 'grace', 'lease'].includes(name);
      expect(read(isDuration ? `${preset}ms` : preset), name).toEqual({ value: preset });
    }
  });
});
