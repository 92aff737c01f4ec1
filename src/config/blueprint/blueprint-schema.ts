/** The form of a blueprint's YAML file. What can be wrong between its fields is in `blueprint-faults.ts`. */
import { z } from 'zod';
import {
  BLUEPRINT_NAME,
  BLUEPRINT_NAME_EXPECTED,
  COMPONENT_OPERATIONS,
  type ComponentOperation,
  INPUT_TYPES,
  type InputType,
  type OperationSpec,
} from '../../model/blueprint.js';
import { pathWithin, type Resources, type SecretRef } from '../../model/run.js';
import { SECRET_NAME } from '../../model/secret.js';
import type { ServiceSpec } from '../../model/service.js';
import { BlueprintServiceSchema } from '../forms/service-schema.js';
import { durationIfGiven, labels } from '../graph/graph-fields.js';
import { ResourcesSchema } from '../resources.js';
import { strict } from '../strict.js';

export interface GivenComponent {
  readonly cluster?: string | undefined;
  readonly require: Readonly<Record<string, string>>;
  readonly resources?: Resources | undefined;
  readonly operations: Readonly<Partial<Record<ComponentOperation, OperationSpec>>>;
  readonly env: Readonly<Record<string, string | SecretRef>>;
  readonly files: readonly string[];
  readonly after: readonly string[];
  readonly service?: Omit<ServiceSpec, 'name'> | undefined;
  readonly deadline?: number | undefined;
  readonly retry?: { readonly attempts: number } | undefined;
}

export interface GivenBlueprint {
  readonly blueprint: string;
  readonly inputs: Readonly<Record<string, GivenInput>>;
  readonly components: Readonly<Record<string, GivenComponent>>;
  readonly outputs: Readonly<Record<string, string>>;
}

export interface GivenInput {
  readonly type: InputType;
  readonly default?: unknown;
  readonly description?: string | undefined;
}

const PATH = 'give a path beside the blueprint, like ./install.sh';
const ENV = 'give an object of texts, like { PORT: "8080" }';
const ENV_VALUE = 'give a text, in quotes, or a secret, like { secret: api-key }';
const ATTEMPTS = 'give a whole number from 1 to 100';

const Name = z
  .string({ error: BLUEPRINT_NAME_EXPECTED })
  .regex(BLUEPRINT_NAME, { error: BLUEPRINT_NAME_EXPECTED });

const Path = z.string({ error: PATH }).transform((given, context): string => {
  const path = pathWithin(given);
  if (path !== undefined) return path;
  const message = `${JSON.stringify(given)} is not a path of a file in the folder of the blueprint`;
  context.addIssue({ code: 'custom', message, params: { code: 'bad_path' } });
  return z.NEVER;
});

const Texts = z.record(z.string(), z.string({ error: 'give a text, in quotes' }), { error: ENV });

const Operation = z
  .union(
    [
      Path.transform((script) => ({ script, args: [], inputs: {} })),
      strict(
        {
          script: Path,
          args: z.array(z.string({ error: 'give a text, in quotes' })).default([]),
          inputs: Texts.default({}),
        },
        'give a path, or an object with script',
      ),
    ],
    { error: 'give a path, like ./install.sh, or an object with script, args and inputs' },
  )
  .transform((given): OperationSpec => given);

const Operations = strict(
  Object.fromEntries(COMPONENT_OPERATIONS.map((name) => [name, Operation.optional()])),
  `give an object with ${COMPONENT_OPERATIONS.join(', ')}`,
).transform((given) => given as GivenComponent['operations']);

const Component = strict(
  {
    cluster: z.string({ error: 'give the name of a cluster' }).min(1).optional(),
    require: labels.default({}),
    resources: ResourcesSchema.optional(),
    operations: Operations.prefault({}),
    env: z
      .record(
        z.string(),
        z.union([z.string(), z.strictObject({ secret: z.string().regex(SECRET_NAME) })], {
          error: ENV_VALUE,
        }),
        { error: ENV },
      )
      .default({}),
    files: z.array(Path, { error: 'give a list of paths, like [./lib.sh]' }).default([]),
    after: z.array(z.string(), { error: 'give a list of components, like [store]' }).default([]),
    service: BlueprintServiceSchema.optional(),
    deadline: durationIfGiven(1, 'of a service: all its replicas are up, or gone, within this'),
    retry: strict(
      { attempts: z.int({ error: ATTEMPTS }).min(1, { error: ATTEMPTS }).max(100, { error: ATTEMPTS }) },
      'give an object, like { attempts: 3 }',
    ).optional(),
  },
  'give an object with operations, or with service',
);

const Input = strict(
  {
    type: z.enum(INPUT_TYPES, { error: `give one of ${INPUT_TYPES.join(', ')}` }).default('string'),
    default: z.unknown().optional(),
    description: z.string({ error: 'give a text' }).optional(),
  },
  'give an object, like { type: string, default: base }',
);

export const BlueprintSchema: z.ZodType<GivenBlueprint> = strict(
  {
    blueprint: Name,
    inputs: z.record(Name, Input, { error: 'give an object of inputs' }).default({}),
    components: z.record(Name, Component, { error: 'give an object of components' }),
    outputs: Texts.default({}),
  },
  'give an object with blueprint and components',
);
