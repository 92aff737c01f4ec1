/**
 * JSON Schemas as tools write them: each in the draft that it names, with the regular expressions that other languages take.
 *
 * 1. `$schema` names the draft, with `http` or `https`, with or without `#`; a schema that names none is draft 2020-12.
 * 2. An unknown format is not a constraint, as the drafts say.
 * 3. `multipleOf` compares decimal digits: 19.99 is a multiple of 0.01, although its binary fraction is not.
 */
import { createRequire } from 'node:module';
import { Ajv, type Options, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvDraft4 from 'ajv-draft-04';
import formats from 'ajv-formats';
import { decimalOf } from '../../base/json/check-text.js';

const readJson = createRequire(import.meta.url);

const OPTIONS: Options = {
  allErrors: true,
  // `NaN` is a number here: a training that diverged is kept.
  strictNumbers: false,
  strict: false,
  // A field may be called like a method of every object.
  ownProperties: true,
  logger: false,
  code: { regExp: Object.assign(readPattern, { code: 'new RegExp' }) },
};
const Ajv4 = ajvDraft4 as unknown as new (options: Options) => Ajv;

/** By what follows `http(s)://json-schema.org/`. */
const DIALECTS: Readonly<Record<string, () => Ajv>> = {
  'draft/2020-12/schema': () => new Ajv2020(OPTIONS),
  'draft/2019-09/schema': () => new Ajv2019(OPTIONS),
  'draft-07/schema': () => new Ajv(OPTIONS),
  'draft-06/schema': () =>
    new Ajv(OPTIONS).addMetaSchema(readJson('ajv/dist/refs/json-schema-draft-06.json')),
  'draft-04/schema': () => new Ajv4(OPTIONS),
};
const NEWEST = 'draft/2020-12/schema';

/** Throws for a schema that cannot be used. */
export function compileSchema(schema: object): ValidateFunction {
  const { $schema = NEWEST, ...rest } = schema as { $schema?: unknown };
  const name = String($schema).replace(/^https?:\/\/json-schema\.org\//, '');
  const dialect = name.replace(/#$/, '');
  if (!Object.hasOwn(DIALECTS, dialect)) {
    const known = Object.keys(DIALECTS).map((each) => `https://json-schema.org/${each}`);
    throw new TypeError(`$schema ${JSON.stringify($schema)} is not known: give one of ${known.join(', ')}`);
  }
  const ajv = DIALECTS[dialect]!();
  (formats as unknown as (to: Ajv) => void)(ajv);
  ajv.removeKeyword('multipleOf');
  ajv.addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    validate: isMultiple,
    error: { message: ({ schema: factor }) => `must be multiple of ${String(factor)}` },
  });
  return ajv.compile(rest);
}

function isMultiple(factor: number, value: number): boolean {
  if (!(factor > 0) || !Number.isFinite(value)) return false;
  const [a, b] = [decimalOf(String(value)), decimalOf(String(factor))];
  const least = Math.min(a.exponent, b.exponent);
  const whole = ({ digits, exponent }: typeof a): bigint =>
    BigInt(digits || '0') * 10n ** BigInt(exponent - least);
  return whole(a) % whole(b) === 0n;
}

/** Escapes that JavaScript knows without the flag `u`; of other letters it would take the letter itself. */
const KNOWN_ESCAPES = /\\[^\W_]/g;
const ESCAPES = /^\\[dDwWsSbBtnrvf0-9xuck]$/;

/** With the flag `u` where possible, so that every character counts as one; otherwise without it, so that `\-` and a lone `{` stand for themselves. */
function readPattern(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch (error) {
    const unpaired = pattern.replace(/\\\\/g, '').match(KNOWN_ESCAPES) ?? [];
    if (unpaired.some((each) => !ESCAPES.test(each))) throw error;
    return new RegExp(pattern);
  }
}
