/**
 * The configuration of `tutti up`: flags before environment before file before defaults, each option checked wherever it comes from.
 * All faults are reported at once; each names the option, where its value came from, the value, and what would be right.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Fault, messageOf, TuttiError } from '../base/errors.js';
import { didYouMean } from '../base/nearest.js';
import { show } from './faults.js';
import { type Config, OPTIONS, type Option } from './options.js';
import { readSections, SECTIONS } from './sections.js';
import { placesIn } from './yaml/places.js';
import { isRecord, readYaml } from './yaml/yaml.js';

export interface ConfigSources {
  /** As commander gives them: by the flags' names in camelCase; others than those of `OPTIONS` are not looked at. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** An empty variable counts as none. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @default `flags.config`, else `TUTTI_CONFIG`, else none */
  readonly file?: string;
  /** @default the working directory */
  readonly cwd?: string;
  /** Called for variables that have an option's name and belong to another program. @default no call */
  readonly onForeign?: (variable: string) => void;
}

/** Throws `TuttiError` `bad_config`; its `details` have the codes `bad_value` `unknown_option` `bad_yaml` `bad_file` `token_required` `token_too_short` `conflict`. */
export function loadConfig(sources: ConfigSources): Config {
  const { flags, env, file, cwd = process.cwd(), onForeign } = sources;
  const faults: Fault[] = [];
  const path = file ?? ownValue(flags, 'config') ?? (env.TUTTI_CONFIG || undefined);
  const fromFile = path === undefined ? NO_FILE : readFile(resolve(cwd, String(path)), String(path), faults);
  const folder = path === undefined ? cwd : dirname(resolve(cwd, String(path)));

  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(OPTIONS) as [string, Option][]) {
    const variable = `TUTTI_${option.name.toUpperCase()}`;
    const isForeign = variable.endsWith('_PORT') && isServiceAddress(env[variable]);
    if (isForeign) onForeign?.(variable);
    const places = [
      { raw: ownValue(flags, camelCase(option.flag)), from: option.flag, base: cwd },
      { raw: isForeign ? undefined : env[variable] || undefined, from: variable, base: cwd },
      { raw: ownValue(fromFile.values, option.name), from: fromFile.at(option.name), base: folder },
    ];
    const { raw, from, base } = places.find((place) => place.raw !== undefined) ?? {
      raw: undefined,
      from: 'the default',
      base: cwd,
    };
    const reading = raw === undefined ? { value: option.preset } : option.read(raw);
    if ('value' in reading) values[key] = option.isPath ? resolved(reading.value, base) : reading.value;
    else {
      const shown = option.isSecret ? 'not acceptable' : show(raw);
      const message = `${option.name} (from ${from}) is ${shown}: give ${reading.expected}`;
      faults.push({ path: option.name, code: 'bad_value', message });
    }
  }

  if (typeof values.tokenFile === 'string') values.token = readToken(values.tokenFile, values.token, faults);
  Object.assign(values, readSections(fromFile.values, faults));
  const config = Object.freeze(values) as unknown as Config;
  faults.push(...conflicts(values));
  if (faults.length === 0) return config;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  throw new TuttiError('bad_config', `${faults[0]!.message}${more}`, {
    details: faults,
    hint: 'options come from flags, TUTTI_* variables and the file given by --config, in this order',
  });
}

/** A shorter one may be guessed, however few guesses a second are let through. */
export const TOKEN_CHARACTERS = 16;

/**
 * Kubernetes gives every pod the address of every Service, as Docker does for links: `TUTTI_CONTROL_PORT=tcp://10.0.0.12:7400` for a Service
 * `tutti-control`. No port is written so.
 */
function isServiceAddress(value: string | undefined): boolean {
  return value !== undefined && /^(tcp|udp|sctp):\/\/\S+:\d+$/.test(value);
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || /^127(\.\d{1,3}){3}$/.test(host);
}

interface FromFile {
  readonly values: Readonly<Record<string, unknown>>;
  /** Where in the file an option is: `tutti.yaml:3`. */
  readonly at: (option: string) => string;
}

const NO_FILE: FromFile = { values: {}, at: () => 'no file' };

function readFile(path: string, shown: string, faults: Fault[]): FromFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const message = `the configuration file ${shown} cannot be read: ${messageOf(error)}`;
    faults.push({ path: 'config', code: 'bad_file', message });
    return NO_FILE;
  }
  const read = readYaml(text, { file: shown });
  if (!read.ok) {
    faults.push(...read.faults);
    return NO_FILE;
  }
  if (read.value === null) return NO_FILE;
  if (!isRecord(read.value)) {
    const message = `the configuration file ${shown} is ${show(read.value)}: give an object of options`;
    faults.push({ path: 'config', code: 'bad_file', message });
    return NO_FILE;
  }
  const placeOf = placesIn(text);
  const at = (option: string): string => `${shown}:${placeOf(option)?.line ?? 1}`;
  const names = [...Object.values(OPTIONS).map((option) => option.name), ...SECTIONS];
  for (const key of Object.keys(read.value)) {
    if (names.includes(key)) continue;
    const message = `${at(key)} has ${show(key)}, which is not an option${didYouMean(key, names)}: there are ${names.join(', ')}`;
    faults.push({ path: key, code: 'unknown_option', message });
  }
  return { values: read.value, at };
}

/** The token that a file holds, in place of one that is given otherwise. */
function readToken(file: string, given: unknown, faults: Fault[]): string | undefined {
  if (given !== undefined) {
    const message = 'token and token_file are both given: give one of them';
    faults.push({ path: 'token_file', code: 'conflict', message });
    return undefined;
  }
  let content: string;
  try {
    content = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const message = `the token file ${file} cannot be read: ${messageOf(error)}`;
    faults.push({ path: 'token_file', code: 'bad_file', message });
    return undefined;
  }
  const reading = OPTIONS.token.read(content);
  if ('value' in reading) return reading.value;
  const message = `the token file ${file} is not acceptable: give ${reading.expected}`;
  faults.push({ path: 'token_file', code: 'bad_value', message });
  return undefined;
}

/** Faults between several options. Options that are invalid themselves are absent here. */
function conflicts(values: Partial<Config>): Fault[] {
  const faults: Fault[] = [];
  const { host, token, tokenFile, inlineMaxBytes, maxFrameBytes, tlsCert, tlsKey } = values;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    const [path, other] = tlsCert === undefined ? ['tls_cert', 'tls_key'] : ['tls_key', 'tls_cert'];
    faults.push({ path, code: 'conflict', message: `${other} is given: give ${path} too` });
  }
  if (host !== undefined && 'token' in values && !isLoopback(host)) {
    const reach = `host is ${host}, which other machines can reach`;
    // A file that has a fault has it already.
    if (token === undefined && tokenFile === undefined) {
      const message = `${reach}: give a token too (TUTTI_TOKEN, --token-file or --token)`;
      faults.push({ path: 'token', code: 'token_required', message });
    } else if (token !== undefined && token.length < TOKEN_CHARACTERS) {
      const message = `${reach}: give a token of at least ${TOKEN_CHARACTERS} characters, this one has ${token.length}`;
      faults.push({ path: 'token', code: 'token_too_short', message });
    }
  }
  const ports = ['httpPort', 'controlPort', 'outputsPort', 'eventsPort'] as const;
  ports.forEach((key, index) => {
    const twin = ports.slice(0, index).find((other) => values[key] && values[other] === values[key]);
    if (!twin) return;
    const [name, other] = [OPTIONS[key].name, OPTIONS[twin].name];
    const message = `${name} and ${other} are both ${values[key]}: give each its own port`;
    faults.push({ path: name, code: 'conflict', message });
  });
  if (inlineMaxBytes !== undefined && maxFrameBytes !== undefined && maxFrameBytes < 2 * inlineMaxBytes) {
    const message = `max_frame is ${maxFrameBytes} bytes, inline_max ${inlineMaxBytes}: give at least twice as much`;
    faults.push({ path: 'max_frame', code: 'conflict', message });
  }
  return faults;
}

function resolved(value: unknown, base: string): unknown {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return resolve(base, value);
  return Object.freeze((value as readonly string[]).map((path) => resolve(base, path)));
}

function camelCase(flag: string): string {
  return flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Nothing that an object has from its prototype is an option. */
function ownValue(from: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(from, key) ? from[key] : undefined;
}
