/** Reads what is deployed: a blueprint in the project's own YAML, a TOSCA template with the files beside it, or a CSAR. */
import { decodeText } from '../../base/decode-text.js';
import { type Fault, messageOf } from '../../base/errors.js';
import { filesOfBlueprint } from '../../model/blueprint.js';
import { inputsFor } from '../../model/blueprint-inputs.js';
import type { Beside, BlueprintSource, Content, ReadBlueprint } from '../../model/blueprint-source.js';
import { MAX_GRAPH_BYTES } from '../../model/graph.js';
import { withPlaces } from '../yaml/places.js';
import type { ReadYaml } from '../yaml/yaml.js';
import { blueprintOf } from './blueprint-file.js';
import { isTemplate } from './tosca/templates.js';
import type { TranslateOptions, translate } from './tosca/translate.js';

export interface ReadBlueprintOptions {
  /** `path`: of an imported file. */
  readonly readYaml: (text: string, path?: string) => Promise<ReadYaml>;
  /** Faults get their lines. The texts are read once more for that, so they have to be of this machine's own user. @default false */
  readonly places?: boolean;
}

/** Of all imported files together. */
const MAX_IMPORTED_CHARACTERS = 4 * MAX_GRAPH_BYTES;

/** In its folder, the file of a template that is given as a text. */
const MAIN_FILE = 'template.yaml';

export async function readBlueprint(
  source: BlueprintSource,
  options: ReadBlueprintOptions,
): Promise<ReadBlueprint> {
  const { content } = source;
  if (content.kind === 'yaml') {
    const { yaml, beside } = content;
    return readText(source, { yaml, beside, mainFile: MAIN_FILE }, options);
  }
  // Archives and templates are seldom: what reads them is loaded with the first one.
  const { openCsar } = await import('./csar.js');
  const opened = await openCsar(content.bytes);
  if (!opened.ok) return refused(opened.faults);
  const { mainFile, beside } = opened;
  const main = textOf(await beside.read(mainFile));
  if (!main.ok) return refused([{ path: mainFile, code: main.code, message: main.message }]);
  return readText(source, { yaml: main.text, beside, mainFile }, options);
}

interface Main {
  readonly yaml: string;
  readonly beside: Beside;
  readonly mainFile: string;
}

async function readText(
  { inputs, clusterAt }: BlueprintSource,
  { yaml, beside, mainFile }: Main,
  { readYaml, places = false }: ReadBlueprintOptions,
): Promise<ReadBlueprint> {
  const texts = new Map([['', yaml]]);
  const placed = (faults: readonly Fault[]): ReadBlueprint =>
    refused(places ? faults.map((fault) => placeOf(fault, texts)) : faults);
  const read = await readYaml(yaml);
  if (!read.ok || !isTemplate(read.value)) {
    const parsed = blueprintOf(read);
    if (!parsed.ok) return placed(parsed.faults);
    const files = filesOfBlueprint(parsed.blueprint);
    return withInputs({ ...parsed, files }, beside, inputs);
  }
  const imported = new Map<string, ReadYaml>();
  let left = MAX_IMPORTED_CHARACTERS;
  const readFile: TranslateOptions['readFile'] = async (path) => {
    const known = imported.get(path);
    if (known) return { ok: true, read: known };
    const content = textOf(await beside.read(path));
    if (!content.ok) return content;
    texts.set(path, content.text);
    left -= content.text.length;
    if (left < 0) {
      const message = `imported files have at most ${MAX_IMPORTED_CHARACTERS} characters together`;
      return { ok: false, code: 'too_large', message };
    }
    const read = await readYaml(content.text, path);
    imported.set(path, read);
    return { ok: true, read };
  };
  const { translate } = await import('./tosca/translate.js');
  const options = { mainFile, readFile, list: (path: string) => beside.list(path) };
  const first = await translate(read.value, options);
  if (!first.ok) return placed(first.faults);
  const checked = withInputs(first, beside, inputs);
  if (!checked.ok || inputs === undefined) return checked;
  const second = await translate(read.value, { ...options, inputs: checked.inputs, clusterAt });
  return second.ok ? { ...checked, ...second } : placed(second.faults);
}

type Parsed = Extract<Awaited<ReturnType<typeof translate>>, { ok: true }>;

function withInputs(parsed: Parsed, beside: Beside, given: BlueprintSource['inputs']): ReadBlueprint {
  if (given === undefined) return { ...parsed, beside, inputs: {} };
  const checked = inputsFor(parsed.blueprint, given);
  if (!checked.ok) return { ok: false, of: 'inputs', faults: checked.faults };
  return { ...parsed, beside, inputs: checked.inputs };
}

function refused(faults: readonly Fault[]): ReadBlueprint {
  return { ok: false, of: 'blueprint', faults };
}

type Text =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly code: string; readonly message: string };

function textOf(content: Content): Text {
  if (!content.ok) return content;
  try {
    return { ok: true, text: decodeText(content.bytes) };
  } catch (thrown) {
    return { ok: false, code: 'bad_yaml', message: messageOf(thrown) };
  }
}

/** `modules/store.yaml#node_types.store` is in an imported file. */
function placeOf(fault: Fault, texts: ReadonlyMap<string, string>): Fault {
  const at = fault.path.indexOf('#');
  const file = at < 0 ? '' : fault.path.slice(0, at);
  const text = texts.get(file);
  if (text === undefined || fault.path === '') return fault;
  const [found = fault] = withPlaces([{ ...fault, path: fault.path.slice(at + 1) }], text);
  return { ...found, path: fault.path };
}
