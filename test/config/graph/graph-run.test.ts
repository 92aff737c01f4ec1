// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are references of graph files
/** `run` in a graph file: what becomes of it, and every fault at its path. */
import { describe, expect, it } from 'vitest';
import { parseGraph } from '../../../src/config/graph/graph-file.js';
import type { Graph } from '../../../src/model/graph.js';
import { playedBy } from '../../../src/model/run.js';

const types = { has: (type: string) => /^(json|bytes)(:|$)/.test(type) || type === 'house.Price' };

/** A graph with one run module, of these lines. */
function withRun(run: string, more = 'output: json'): string {
  return `name: g
source: { name: request, type: json }
modules:
  picture: { inputs: [request], output: "bytes:image/png" }
  m:
    inputs: [request, picture]
${more.replace(/^/gm, '    ')}
    run:
${run.replace(/^/gm, '      ')}
`;
}

function moduleOf(text: string): Graph['modules'][number] {
  const parsed = parseGraph(text, { types });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults, null, 2));
  return parsed.graph.modules.find(({ name }) => name === 'm')!;
}

/** Path, code and message of each. */
function faultsOf(text: string): string[] {
  const parsed = parseGraph(text, { types });
  return parsed.ok ? [] : parsed.faults.map(({ path, code, message }) => `${path} ${code} ${message}`);
}

describe('a run module', () => {
  it('has every default filled in, is played by agents, and may take as long as it takes', () => {
    const module = moduleOf(withRun('command: [python3, simulate.py, "${request.n}"]'));
    expect(module).toMatchObject({ require: {}, timeoutMs: undefined });
    expect(module.run).toEqual({
      work: { kind: 'command', argv: ['python3', 'simulate.py', '${request.n}'] },
      ...{ files: {}, env: {}, resources: { cpus: 1 }, result: 'file', keep: 'never' },
      retryExitCodes: undefined,
    });
    expect(playedBy(module)).toBe('tutti.agent');
    expect(playedBy({ name: 'm' })).toBe('m');
  });

  it('gives all that it says; its cluster is a label like the others', () => {
    const text = withRun(
      `command: [sh, run.sh]
files: { run.sh: ./scripts//run.sh, lib/a.txt: a.txt }
cluster: hpc
require: { gpu: "true" }
resources: { cpus: 2, memory: 4GiB, gpus: 0, walltime: 30m }
env: { OMP_NUM_THREADS: "2" }
result: stdout
keep: on_failure
retry_exit_codes: [1, 137]`,
      'output: bytes\nrequire: { zone: a }\ntimeout: 1h',
    );
    expect(moduleOf(text)).toMatchObject({
      require: { cluster: 'hpc', gpu: 'true', zone: 'a' },
      timeoutMs: 3_600_000,
      run: {
        files: { 'run.sh': 'scripts/run.sh', 'lib/a.txt': 'a.txt' },
        resources: { cpus: 2, memoryBytes: 4 * 1024 ** 3, gpus: 0, walltimeMs: 1_800_000 },
        env: { OMP_NUM_THREADS: '2' },
        ...{ result: 'stdout', keep: 'on_failure', retryExitCodes: [1, 137] },
      },
    });
  });

  it('has its script among its files, under the path that it has beside the graph', () => {
    const { run } = moduleOf(
      withRun('script: ./steps/fit.sh\nargs: ["${request}"]\nfiles: { data: ./data.csv }'),
    );
    expect(run?.work).toEqual({ kind: 'script', path: 'steps/fit.sh', args: ['${request}'] });
    expect(run?.files).toEqual({ data: 'data.csv', 'steps/fit.sh': 'steps/fit.sh' });
  });

  it('run modules with one name in two graphs may have different output types: no node serves both', () => {
    const others = [{ ...graphNamed('other'), modules: [moduleOf(withRun('command: ["true"]'))] }];
    const other = withRun('command: ["true"]', 'output: bytes');
    expect(parseGraph(other, { types, otherGraphs: others })).toMatchObject({ ok: true });
    const node = 'name: g\nsource: { name: s, type: json }\nmodules: { m: { inputs: [s], output: bytes } }';
    expect(parseGraph(node, { types, otherGraphs: others })).toMatchObject({ ok: true });
  });
});

function graphNamed(name: string): Omit<Graph, 'modules'> {
  return { name, source: { name: 'request', type: 'json' } };
}

describe('a fault in run', () => {
  const ENV_VALUE = 'give a text, in quotes, or a secret, like { secret: api-key }';
  const RUN = 'modules.m.run';
  it.each([
    ['{}', `${RUN} missing_field a run module needs a command or a script: give one of them`],
    ['command: [a]\nscript: b.sh', `${RUN}.script not_with_command give a command or a script, not both`],
    [
      'command: [a]\nargs: [b]',
      `${RUN}.args not_with_command args are for a script: put the arguments of a command into command`,
    ],
    ['command: []', `${RUN}.command out_of_range [] is not right: name at least a program`],
    [
      'command: a b',
      `${RUN}.command wrong_type "a b" is not right: give a list of texts, like [python3, simulate.py]`,
    ],
    ['command: [a, 3]', `${RUN}.command[1] wrong_type 3 is not right: give a text, in quotes`],
    ['command: [a, "x\\0"]', `${RUN}.command[1] bad_text no argument can have a NUL character`],
    [
      'command: [a]\ncomand: [a]',
      `${RUN}.comand unknown_field "comand" is not known here (did you mean command?): there are command, script, args, files, cluster, require, resources, env, result, keep, retry_exit_codes`,
    ],
    [
      'command: [a]\nresources: { cpus: 0 }',
      `${RUN}.resources.cpus out_of_range 0 is not right: give a whole number from 1 to 65536`,
    ],
    [
      'command: [a]\nresources: { memory: 4G }',
      `${RUN}.resources.memory wrong_type give bytes, or a size like 512MiB or 4GiB`,
    ],
    [
      'command: [a]\nresources: { walltime: 30 }',
      `${RUN}.resources.walltime wrong_type 30 is not right: give a duration, like 30m or 12h`,
    ],
    [
      'command: [a]\nresources: { nodes: 3 }',
      `${RUN}.resources.nodes unknown_field "nodes" is not known here: there are cpus, memory, gpus, walltime`,
    ],
    [
      'command: [a]\nenv: { KEY: { secret: "no name" } }',
      `${RUN}.env.KEY.secret bad_name "no name" is not right: give the name of a secret, like api-key`,
    ],
    ['command: [a]\nenv: { KEY: 3 }', `${RUN}.env.KEY wrong_type 3 is not right: ${ENV_VALUE}`],
    [
      'command: [a]\nenv: { "A B": x }',
      `${RUN}.env["A B"] bad_name "A B" is not the name of a variable: give letters, digits and _`,
    ],
    [
      'command: [a]\nenv: { TUTTI_OUTPUT: x }',
      `${RUN}.env.TUTTI_OUTPUT name_taken names that begin with TUTTI_ are reserved: give the variable another name`,
    ],
    [
      'command: [a]\nfiles: { a: ../secret }',
      `${RUN}.files.a bad_path "../secret" is not the path of a file in the folder of the graph file: give one like scripts/simulate.py`,
    ],
    [
      'command: [a]\nfiles: { /etc/a: a }',
      `${RUN}.files["/etc/a"] bad_path "/etc/a" is not the path of a file in the working folder: give one like scripts/simulate.py`,
    ],
    [
      'command: [a]\nfiles: { .tutti-output: a }',
      `${RUN}.files[".tutti-output"] name_taken names that begin with .tutti- are reserved: give the file another name`,
    ],
    ['script: a\nfiles: { ./a: b }', `${RUN}.files["./a"] duplicate "a" appears twice in the working folder`],
    [
      'script: /bin/sh',
      `${RUN}.script bad_path "/bin/sh" is not the path of a file in the folder of the graph file: give one like scripts/simulate.py`,
    ],
    [
      'command: [a]\ncluster: hpc\nrequire: { cluster: other }',
      `${RUN}.require.cluster duplicate run.cluster is "hpc": give one of them`,
    ],
    ['command: [a]\nresult: json', `${RUN}.result wrong_type "json" is not right: give file, stdout or none`],
    [
      'command: [a]\nkeep: maybe',
      `${RUN}.keep wrong_type "maybe" is not right: give never, on_failure or always`,
    ],
    [
      'command: [a]\nretry_exit_codes: [0]',
      `${RUN}.retry_exit_codes[0] out_of_range 0 is not right: give a list of exit codes from 1 to 255, like [1, 137]`,
    ],
    [
      'command: [a, "--n=${requst.n}"]',
      `${RUN}.command[1] unknown_input \${requst.n} refers to no input of this module (did you mean request?): its inputs are request, picture`,
    ],
    [
      'command: [sh, -c, "echo ${HOME}"]',
      `${RUN}.command[2] unknown_input \${HOME} refers to no input of this module: its inputs are request, picture; a shell’s variable is written $HOME`,
    ],
    [
      'script: a\nargs: ["${request..n}"]',
      `${RUN}.args[0] bad_reference \${request..n} has an empty step: give one like \${request.field}`,
    ],
    [
      'command: [a, "${picture}"]',
      `${RUN}.command[1] bad_reference \${picture} refers to bytes, which cannot stand in a word: read the file in $TUTTI_INPUTS`,
    ],
  ])('is named with its path: %s', (run, fault) => {
    expect(faultsOf(withRun(run))).toEqual([fault]);
  });

  it.each([
    ['output: json\nstart: manual', 'modules.m.start'],
    ['output: json\nliveness: { dead_after: 1m }', 'modules.m.liveness'],
  ])('is an option of nodes: %s', (more, path) => {
    const [fault, ...others] = faultsOf(withRun('command: [a]', more));
    expect(others).toEqual([]);
    expect(fault).toMatch(`${path} not_with_run ${path.split('.').at(-1)} is about the nodes of a module`);
  });

  it('is an output that the exit code and times do not fit', () => {
    expect(faultsOf(withRun('command: [a]\nresult: none', 'output: bytes'))).toEqual([
      'modules.m.output wrong_type the output of result: none is JSON, not "bytes": give json',
    ]);
  });

  it('is a label that the module asks for with another value', () => {
    const text = withRun('command: [a]\nrequire: { zone: b }', 'output: json\nrequire: { zone: a }');
    expect(faultsOf(text)).toEqual([
      'modules.m.run.require.zone duplicate require of the module asks for zone=a: give it once',
    ]);
  });

  it('is told with all others at once', () => {
    const faults = faultsOf(withRun('command: [a, "${x}"]\nkeep: 1\nenv: { "1": a }\nfiles: { a: /b }'));
    expect(faults.map((fault) => fault.split(' ').slice(0, 2))).toEqual([
      ['modules.m.run.keep', 'wrong_type'],
      ['modules.m.run.files.a', 'bad_path'],
      ['modules.m.run.env.1', 'bad_name'],
      ['modules.m.run.command[1]', 'unknown_input'],
    ]);
  });
});
