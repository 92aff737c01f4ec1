/** A form for a value of any type, drawn by react-jsonschema-form from the type's schema, with this page's own parts. */
// Not from the package's own entry: that brings a validator along, which would be compiled at run time; the page's policy forbids that.
import Form from '@rjsf/core/lib/components/Form.js';
import getDefaultRegistry from '@rjsf/core/lib/getDefaultRegistry.js';
import type {
  ArrayFieldItemTemplateProps,
  ArrayFieldTemplateProps,
  BaseInputTemplateProps,
  ErrorSchema,
  FieldProps,
  FieldTemplateProps,
  ObjectFieldTemplateProps,
  RJSFSchema,
  TemplatesType,
  ValidatorType,
  WidgetProps,
} from '@rjsf/utils';
import { type ChangeEvent, type ReactNode, useMemo } from 'react';
import { readExactly } from '../../../../src/base/json/exact.js';
import { plainOf } from '../../../../src/base/json/json-text.js';
import type { FaultJson } from '../../../../src/contract/answer.js';
import { BytesField } from './bytes-field.js';
import { fieldErrors } from './field-faults.js';
import { fromFormData, toFormData } from './form-data.js';
import { BYTES, JSON_TEXT, type Schema, toFormSchema } from './form-schema.js';
import { JsonField } from './json-field.js';
import type { KnownValues } from './known-values.js';

export interface SourceFormProps {
  readonly schema: Schema;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
  /** Of the value; paths begin with `/input`. */
  readonly faults: readonly FaultJson[];
  /** Offered where a text is typed. */
  readonly known: KnownValues;
}

export default function SourceForm({ schema, value, onChange, faults, known }: SourceFormProps): ReactNode {
  const drawn = useMemo(() => ({ ...toFormSchema(schema), title: '', description: undefined }), [schema]);
  const errors = useMemo(() => fieldErrors(faults), [faults]);
  const context = useMemo(() => ({ known }), [known]);
  return (
    <Form
      tagName="div"
      className="source-form"
      idPrefix="input"
      schema={drawn as RJSFSchema}
      uiSchema={NO_SUBMIT}
      formData={toFormData(value, drawn)}
      onChange={(change) => onChange(fromFormData(change.formData))}
      validator={ORCHESTRATOR_JUDGES}
      noValidate
      extraErrors={errors as ErrorSchema}
      showErrorList={false}
      templates={TEMPLATES}
      widgets={WIDGETS}
      formContext={context}
      fields={FIELDS}
      experimental_defaultFormStateBehavior={{ emptyObjectFields: 'skipDefaults' }}
    />
  );
}

const NO_SUBMIT = { 'ui:submitButtonOptions': { norender: true } };

/** There is one judge of an input, and it names all faults with their fields: nothing is judged here. */
const ORCHESTRATOR_JUDGES: ValidatorType = {
  validateFormData: () => ({ errors: [], errorSchema: {} }),
  isValid: () => true,
  rawValidation: () => ({}),
};

function Field(props: FieldTemplateProps): ReactNode {
  const { id, label, schema, rawErrors = [], children, hidden } = props;
  if (hidden) return null;
  const isGroup = schema.type === 'object' || schema.type === 'array';
  const isCheck = schema.type === 'boolean';
  const isShort = isCheck || isNumber(schema) || schema.enum !== undefined || choicesOf(props).length > 0;
  return (
    <div className={`field${isCheck ? ' field-check' : ''}${isShort ? ' field-short' : ''}`}>
      {!isGroup && !isCheck && props.displayLabel && label && (
        <label htmlFor={id}>
          {label} {props.required && <small>needed</small>}
        </label>
      )}
      {!isGroup && schema.description && (
        <p className="help" id={`${id}__description`}>
          {schema.description}
        </p>
      )}
      {children}
      {rawErrors.length > 0 && (
        <ul className="faults" id={`${id}__error`}>
          {rawErrors.map((message) => (
            <li key={message}>{message}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function ObjectFields({ title, schema, properties, fieldPathId }: ObjectFieldTemplateProps): ReactNode {
  const fields = properties.map(({ name, content }) => <div key={name}>{content}</div>);
  if (!title) return <div className="fields">{fields}</div>;
  return (
    <fieldset className="group" id={fieldPathId.$id}>
      <legend>{title}</legend>
      {schema.description && <p className="help">{schema.description}</p>}
      <div className="fields">{fields}</div>
    </fieldset>
  );
}

function ListFields({ title, schema, items, onAddClick, fieldPathId }: ArrayFieldTemplateProps): ReactNode {
  return (
    <fieldset className="group" id={fieldPathId.$id}>
      <legend>{title}</legend>
      {schema.description && <p className="help">{schema.description}</p>}
      {items}
      <button type="button" className="small" onClick={onAddClick}>
        Add to {title}
      </button>
    </fieldset>
  );
}

function ListItem({
  children,
  buttonsProps,
  index,
  parentUiSchema: _,
}: ArrayFieldItemTemplateProps): ReactNode {
  const { hasMoveUp, hasMoveDown, onMoveUpItem, onMoveDownItem, onRemoveItem } = buttonsProps;
  const number = index + 1;
  return (
    <div className="list-item">
      <div className="list-item-field">{children}</div>
      <div className="list-item-buttons">
        <button
          type="button"
          className="small"
          disabled={!hasMoveUp}
          onClick={onMoveUpItem}
          aria-label={`Move item ${number} up`}
        >
          ↑
        </button>
        <button
          type="button"
          className="small"
          disabled={!hasMoveDown}
          onClick={onMoveDownItem}
          aria-label={`Move item ${number} down`}
        >
          ↓
        </button>
        <button type="button" className="small" onClick={onRemoveItem} aria-label={`Remove item ${number}`}>
          ✕
        </button>
      </div>
    </div>
  );
}

/** Texts grow with what is written, but where others were short; numbers do not. */
function TextField({ id, value, label, onChange, rawErrors, schema, registry }: WidgetProps): ReactNode {
  const common = {
    id,
    'aria-label': label,
    'aria-describedby': `${id}__description ${id}__error`,
    'aria-invalid': (rawErrors?.length ?? 0) > 0,
    value: isWritten(value) ? String(fromFormData(value)) : '',
    onChange: (change: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) =>
      onChange(change.target.value === '' ? undefined : change.target.value),
  };
  if (isNumber(schema)) return <input {...common} inputMode="decimal" autoComplete="off" />;
  const choices = choicesOf({ id, registry });
  if (choices.length === 0) return <textarea {...common} rows={1} className="grows" />;
  return (
    <>
      <input {...common} list={`${id}__choices`} autoComplete="off" />
      <datalist id={`${id}__choices`}>
        {choices.map((choice) => (
          <option key={choice} value={choice} />
        ))}
      </datalist>
    </>
  );
}

function isNumber(schema: RJSFSchema): boolean {
  return schema.type === 'number' || schema.type === 'integer';
}

/** What others have put into this field. */
function choicesOf({ id, registry }: Pick<WidgetProps, 'id' | 'registry'>): readonly string[] {
  return (registry.formContext as { readonly known: KnownValues }).known.get(id) ?? [];
}

function CheckField({ id, value, label, onChange }: WidgetProps): ReactNode {
  return (
    <label className="check" htmlFor={id}>
      <input
        id={id}
        type="checkbox"
        checked={value === true}
        aria-describedby={`${id}__description`}
        onChange={(change) => onChange(change.target.checked)}
      />
      {label}
    </label>
  );
}

const BaseInput = getDefaultRegistry().templates.BaseInputTemplate;

/** The library's own, which says that it is wrong when it is. */
function PlainInput(props: BaseInputTemplateProps): ReactNode {
  const more = { 'aria-invalid': (props.rawErrors?.length ?? 0) > 0 };
  return <BaseInput {...props} {...more} />;
}

const TEMPLATES: Partial<TemplatesType> = {
  FieldTemplate: Field,
  ObjectFieldTemplate: ObjectFields,
  ArrayFieldTemplate: ListFields,
  ArrayFieldItemTemplate: ListItem,
  BaseInputTemplate: PlainInput,
};

/** A number is kept as it is typed: `1.0` stays `1.0`. What is not a number yet is kept as text, and the orchestrator judges it. */
function WrittenNumberField(props: FieldProps): ReactNode {
  const { StringField } = props.registry.fields;
  const change: FieldProps['onChange'] = (value, ...more) => props.onChange(numberOf(value), ...more);
  return StringField && <StringField {...props} onChange={change} />;
}

function numberOf(typed: unknown): unknown {
  if (typeof typed !== 'string' || !/^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i.test(typed)) return typed;
  return toFormData(readExactly(typed));
}

function isWritten(value: unknown): boolean {
  return ['string', 'number'].includes(typeof plainOf(fromFormData(value)));
}

const FIELDS = { NumberField: WrittenNumberField };

const WIDGETS = {
  TextWidget: TextField,
  CheckboxWidget: CheckField,
  [BYTES]: (props: WidgetProps) => (
    <BytesField
      id={props.id}
      value={typeof props.value === 'string' ? props.value : undefined}
      onChange={props.onChange}
      isInvalid={(props.rawErrors?.length ?? 0) > 0}
    />
  ),
  [JSON_TEXT]: (props: WidgetProps) => (
    <JsonField
      id={props.id}
      value={fromFormData(props.value)}
      onChange={(value) => props.onChange(toFormData(value))}
      isInvalid={(props.rawErrors?.length ?? 0) > 0}
    />
  ),
};
