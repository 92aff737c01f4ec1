/** Faults between the fields of `run` and the rest of its module. The file may have other faults as well. */
import type { Fault } from '../../base/errors.js';
import { didYouMean } from '../../base/nearest.js';
import { splitReference } from '../../model/graph.js';
import { pathWithin } from '../../model/run.js';
import { formatPath, show } from '../faults.js';
import { isRecord } from '../yaml/yaml.js';

/** Each is a blob of its own, which every execution fetches. */
const MAX_FILES = 100;
/** Agents put what is theirs into the working folder under such names. */
const RESERVED_FILES = '.tutti-';
const RESERVED_ENV = 'TUTTI_';
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** A reference in a word to an input or a part of it. */
const REFERENCE = /\$\{([^{}]*)\}/g;
/** Of a module that nodes play: an agent is started once, and its silence ends nothing. */
const OF_NODES_ONLY = ['start', 'liveness'];

type Add = (path: readonly (string | number)[], code: string, message: string) => void;
type Members = Readonly<Record<string, unknown>>;

/** `raw`: the file's content. */
export function runFaults(raw: unknown): Fault[] {
  const faults: Fault[] = [];
  if (!isRecord(raw) || !isRecord(raw.modules)) return faults;
  for (const [name, module] of Object.entries(raw.modules)) {
    if (!isRecord(module) || !isRecord(module.run)) continue;
    const add = (path: readonly (string | number)[], code: string, message: string) =>
      faults.push({ path: formatPath(['modules', name, ...path]), code, message });
    ofModule(module, module.run, add);
    ofWork(module.run, add);
    ofLabels(module, module.run, add);
    ofFiles(module.run, add);
    ofEnv(module.run, add);
    ofReferences(raw, module, module.run, add);
  }
  return faults;
}

function ofModule(module: Members, run: Members, add: Add): void {
  for (const option of OF_NODES_ONLY) {
    if (!Object.hasOwn(module, option)) continue;
    add(
      [option],
      'not_with_run',
      `${option} is about the nodes of a module, and agents execute this one: leave it out`,
    );
  }
  if (Object.hasOwn(module, 'outputs')) {
    const message = 'a run module has one output, which is a file: give output, not outputs';
    add(['outputs'], 'not_with_run', message);
  }
  const { output } = module;
  const isJson = typeof output !== 'string' || output === 'json' || output.startsWith('json:');
  if (run.result === 'none' && !isJson)
    add(['output'], 'wrong_type', `the output of result: none is JSON, not ${show(output)}: give json`);
}

function ofWork(run: Members, add: Add): void {
  const { command, script } = run;
  if (command === undefined && script === undefined) {
    add(['run'], 'missing_field', 'a run module needs a command or a script: give one of them');
  } else if (command !== undefined && script !== undefined) {
    add(['run', 'script'], 'not_with_command', 'give a command or a script, not both');
  } else if (command !== undefined && run.args !== undefined) {
    add(
      ['run', 'args'],
      'not_with_command',
      'args are for a script: put the arguments of a command into command',
    );
  }
  eachWord(run, (word, path) => {
    if (word.includes('\0')) add(path, 'bad_text', 'no argument can have a NUL character');
  });
}

/** Beside its own labels, `cluster` is one. */
function ofLabels(module: Members, run: Members, add: Add): void {
  const outer = isRecord(module.require) ? module.require : {};
  const inner = isRecord(run.require) ? run.require : {};
  for (const [label, value] of Object.entries(inner)) {
    if (label === '__proto__')
      add(['run', 'require', label], 'bad_name', 'a label cannot be named "__proto__": choose another name');
    if (Object.hasOwn(outer, label) && outer[label] !== value)
      add(
        ['run', 'require', label],
        'duplicate',
        `require of the module asks for ${label}=${String(outer[label])}: give it once`,
      );
  }
  if (run.cluster === undefined) return;
  for (const [required, path] of [
    [outer.cluster, ['require', 'cluster']],
    [inner.cluster, ['run', 'require', 'cluster']],
  ] as const) {
    if (required !== undefined && required !== run.cluster)
      add(path, 'duplicate', `run.cluster is ${show(run.cluster)}: give one of them`);
  }
}

function ofFiles(run: Members, add: Add): void {
  const files = isRecord(run.files) ? Object.entries(run.files) : [];
  if (files.length > MAX_FILES)
    add(['run', 'files'], 'out_of_range', `${files.length} files are too many: give at most ${MAX_FILES}`);
  const script = typeof run.script === 'string' ? run.script : undefined;
  const taken = new Set<string>();
  if (script !== undefined) {
    const path = pathWithin(script);
    if (path === undefined)
      add(['run', 'script'], 'bad_path', badPath(script, 'the folder of the graph file'));
    else taken.add(path);
  }
  for (const [to, from] of files) {
    const at = ['run', 'files', to];
    const path = pathWithin(to);
    if (path === undefined || path === '__proto__') add(at, 'bad_path', badPath(to, 'the working folder'));
    else if (path.startsWith(RESERVED_FILES))
      add(
        at,
        'name_taken',
        `names that begin with ${RESERVED_FILES} are reserved: give the file another name`,
      );
    else if (taken.has(path)) add(at, 'duplicate', `${show(path)} appears twice in the working folder`);
    else taken.add(path);
    if (typeof from === 'string' && pathWithin(from) === undefined)
      add(at, 'bad_path', badPath(from, 'the folder of the graph file'));
  }
}

function badPath(path: string, folder: string): string {
  return `${show(path)} is not the path of a file in ${folder}: give one like scripts/simulate.py`;
}

function ofEnv(run: Members, add: Add): void {
  for (const [name, value] of Object.entries(isRecord(run.env) ? run.env : {})) {
    const at = ['run', 'env', name];
    if (!ENV_NAME.test(name) || name === '__proto__')
      add(at, 'bad_name', `${show(name)} is not the name of a variable: give letters, digits and _`);
    else if (name.startsWith(RESERVED_ENV))
      add(
        at,
        'name_taken',
        `names that begin with ${RESERVED_ENV} are reserved: give the variable another name`,
      );
    if (typeof value === 'string' && value.includes('\0'))
      add(at, 'bad_text', 'no variable can have a NUL character');
  }
}

/** References are to inputs whose values are text; what is within a value is known when the module runs. */
function ofReferences(raw: Members, module: Members, run: Members, add: Add): void {
  if (!Array.isArray(module.inputs)) return;
  const inputs = module.inputs.filter((input) => typeof input === 'string');
  eachWord(run, (word, path) => {
    for (const [reference, inner = ''] of word.matchAll(REFERENCE)) {
      const [first = '', ...rest] = inner.split('.');
      // A module with several outputs is referred to by one of them.
      const isNamed = !inputs.includes(first) && inputs.includes(`${first}.${rest[0]}`);
      const name = isNamed ? `${first}.${rest[0]}` : first;
      const steps = isNamed ? rest.slice(1) : rest;
      if (!inputs.includes(name)) {
        const near = didYouMean(name, inputs);
        const known = inputs.length > 0 ? `its inputs are ${inputs.join(', ')}` : 'it has no inputs';
        const shell = /^[A-Z_][A-Z0-9_]*$/.test(inner) ? `; a shell’s variable is written $${inner}` : '';
        const message = `${reference} refers to no input of this module${near}: ${known}${shell}`;
        add(path, 'unknown_input', message);
      } else if (steps.includes('')) {
        add(path, 'bad_reference', `${reference} has an empty step: give one like \${${name}.field}`);
      } else if (isBytes(typeIn(raw, name))) {
        const message = `${reference} refers to bytes, which cannot stand in a word: read the file in $TUTTI_INPUTS`;
        add(path, 'bad_reference', message);
      }
    }
  });
}

function eachWord(run: Members, visit: (word: string, path: (string | number)[]) => void): void {
  for (const field of ['command', 'args']) {
    const words = run[field];
    if (!Array.isArray(words)) continue;
    words.forEach((word, index) => {
      if (typeof word === 'string') visit(word, ['run', field, index]);
    });
  }
}

function typeIn(raw: Members, reference: string): unknown {
  if (isRecord(raw.source) && raw.source.name === reference) return raw.source.type;
  const { module: name, name: output } = splitReference(reference);
  const module = isRecord(raw.modules) && Object.hasOwn(raw.modules, name) ? raw.modules[name] : undefined;
  if (!isRecord(module)) return undefined;
  return output === '' ? module.output : isRecord(module.outputs) ? module.outputs[output] : undefined;
}

function isBytes(type: unknown): boolean {
  return type === 'bytes' || (typeof type === 'string' && type.startsWith('bytes:'));
}
