import type { Command } from 'commander';
import { type Fault, TuttiError } from '../../base/errors.js';
import { type ParsedGraph, parseGraph } from '../../config/graph/graph-file.js';
import { type FilesBeside, filesBeside, hashesOf } from '../../config/graph/graph-files.js';
import { graphJsonSchema } from '../../config/graph/graph-json-schema.js';
import { withPlaces } from '../../config/yaml/places.js';
import { isRecord, readYaml } from '../../config/yaml/yaml.js';
import { filesOfGraph } from '../../model/graph.js';
import { fileAtFault, readNamedFile } from '../arguments/named-file.js';
import type { Client, Json } from '../client.js';
import type { CliError } from '../exit.js';
import { type Io, writeJson, writeLine } from '../io.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';

/** Reads a graph without an orchestrator: the text, its file's name for the messages, and where types are found. */
export type GraphReader = (
  yaml: string,
  options: { readonly file: string; readonly protoPaths: readonly string[] },
) => ParsedGraph;

interface ValidateOptions {
  readonly json?: boolean;
  readonly protoPath: readonly string[];
}

export function graphCommand(program: Command, io: Io, readGraph: GraphReader): void {
  const graph = program.command('graph').description('Validate, apply, list and show graphs');

  graph
    .command('validate')
    .description('Check a graph file, without an orchestrator')
    .argument('<file>')
    .option(
      '--proto-path <dir>',
      'a folder with .proto files (repeatable)',
      (dir, dirs: readonly string[]) => [...dirs, dir],
      [],
    )
    .option('--json', 'print one JSON document on stdout')
    .action(async (file: string, options: ValidateOptions) => {
      const yaml = await readNamedFile('FILE', file);
      const parsed = readGraph(yaml, { file, protoPaths: options.protoPath });
      if (!parsed.ok) throw badGraph(file, yaml, parsed.faults);
      const beside = await filesBeside(file, filesOfGraph(parsed.graph));
      if (!beside.ok) throw badGraph(file, yaml, beside.faults);
      const { name, source, modules } = parsed.graph;
      const summary = { ok: true, name, source, modules: modules.map((module) => module.name) };
      if (options.json) writeJson(io.stdout, summary);
      else {
        const parts = [source.name, ...summary.modules].join(', ');
        writeLine(io.stdout, `${file}: graph ${name} is valid: ${parts}`);
      }
    });

  graph
    .command('schema')
    .description('Print the JSON Schema of a graph file, for an editor')
    .action(() => {
      writeJson(io.stdout, graphJsonSchema());
    });

  clientCommand(graph, 'apply', 'Store graphs; a changed graph becomes a new version')
    .argument('<file...>')
    .action(async (files: readonly string[], options: CommonOptions) => {
      const session = openSession(options, io);
      const items: Json[] = [];
      for (const file of files) {
        const applied = await apply(session.client, file);
        items.push(applied);
        // At once: a fault in a later file undoes nothing.
        if (!session.json) writeLine(io.stdout, outcomeOf(applied));
      }
      if (session.json) writeJson(io.stdout, { items });
    });

  clientCommand(graph, 'list', 'List the graphs of the orchestrator').action(
    async (options: CommonOptions) => {
      const session = openSession(options, io);
      const { value } = await session.client.get<{ items: readonly Json[] }>('/v1/graphs', { limit: 1000 });
      session.print(value, () =>
        table(
          ['NAME', 'VERSION'],
          value.items.map((one) => [one.name, one.version]),
        ),
      );
    },
  );

  clientCommand(graph, 'show', "Show a graph's newest version")
    .argument('<name>')
    .action(async (name: string, options: CommonOptions) => {
      const session = openSession(options, io);
      const { value } = await session.client.get(`/v1/graphs/${encodeURIComponent(name)}`);
      session.print(value, () => `# ${name}, version ${String(value.version)}\n${String(value.yaml ?? '')}`);
    });
}

function badGraph(file: string, yaml: string, faults: readonly Fault[]): CliError {
  return fileAtFault('bad_graph', file, withPlaces(faults, yaml));
}

function outcomeOf({ name, version, changed }: Json): string {
  return changed === false
    ? `${String(name)}: version ${String(version)} is the same`
    : `${String(name)}: stored as version ${String(version)}`;
}

/** The orchestrator has the last word: it knows its types and its other graphs. */
async function apply(client: Client, file: string): Promise<Json> {
  const yaml = await readNamedFile('FILE', file);
  const read = readYaml(yaml, { file });
  if (!read.ok) throw badGraph(file, yaml, read.faults);
  const name = isRecord(read.value) ? read.value.name : undefined;
  if (typeof name !== 'string') {
    const fault = { path: 'name', code: 'missing_field', message: 'name is missing: give the graph a name' };
    throw badGraph(file, yaml, [fault]);
  }
  const beside = await filesOf(file, yaml);
  if (!beside.ok) throw badGraph(file, yaml, beside.faults);
  const { files } = beside;
  try {
    if (files.length === 0)
      return await client.put(`/v1/graphs/${encodeURIComponent(name)}`, yaml, 'application/yaml');
    for (const each of files) await client.putFile(`/v1/blobs/${each.sha256}`, each.file);
    return await client.post('/v1/graphs', { yaml, files: hashesOf(files) });
  } catch (thrown) {
    if (thrown instanceof TuttiError && thrown.code === 'bad_graph')
      throw badGraph(file, yaml, thrown.details);
    throw thrown;
  }
}

/** Of a graph that has other faults, the orchestrator tells all of them: its files are not looked at. */
async function filesOf(file: string, yaml: string): Promise<FilesBeside> {
  const parsed = parseGraph(yaml, { types: { has: () => true }, file });
  return parsed.ok ? await filesBeside(file, filesOfGraph(parsed.graph)) : { ok: true, files: [] };
}
