import { useQuery } from '@tanstack/react-query';
import {
  type FormEvent,
  type ReactNode,
  type RefObject,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
} from 'react';
import { partAt, printIndented } from '../../../../src/base/json/exact.js';
import type { SampleJson } from '../../../../src/contract/graph.js';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import { JOB_GRAPH_NAME } from '../../../../src/model/job.js';
import { type Created, submitProblem } from '../api/commands.js';
import { graphsQuery, newestGraphQuery, problemsQuery, samplesQuery, taskQuery } from '../api/queries.js';
import { usePost } from '../api/use-post.js';
import { useTab } from '../display/tab.js';
import { titleOf } from '../display/title.js';
import { isSchemaless, toFormSchema } from '../form/form-schema.js';
import { knownValues, missingFields } from '../form/known-values.js';
import SourceForm from '../form/source-form.js';
import { NO_FILTER, type Selection } from '../state/selection.js';
import { useShownTask } from '../task/shown-task.js';
import { FormFault } from './form-fault.js';
import { type FormFaults, NO_FAULTS, parseInput, sortFaults } from './input-faults.js';
import { FieldFaults, InputField } from './input-field.js';

export interface NewProblemProps {
  /** The task that was shown: its input can be taken over. */
  readonly shown: Selection;
  readonly onCreated: (created: Created) => void;
  readonly onClose: () => void;
}

/** A problem to submit: for any graph, as a form, as JSON, or from a sample. */
export default function NewProblem({ shown, onCreated, onClose }: NewProblemProps): ReactNode {
  const id = useId();
  const graphs = useGraphNames();
  const [chosen, setChosen] = useState(shown.name);
  const graphName = chosen ?? graphs.names[0] ?? '';
  const graph = useQuery({ ...newestGraphQuery(graphName), enabled: graphName !== '' });
  const shownTask = useShownTask(shown);
  const [title, setTitle] = useState('');
  const post = usePost(submitProblem, onCreated);
  const samples = useQuery({ ...samplesQuery(graphName), enabled: graphName !== '' }).data;
  const newest = useNewest(graphName);
  const known = useMemo(
    () => knownValues([...(samples ?? []).map(({ input }) => input), ...(newest ? [newest.task.input] : [])]),
    [samples, newest],
  );
  const { schema, type } = graph.data?.source ?? {};
  const hasForm = schema !== undefined && !isSchemaless(schema);
  const { draft, setDraft, mistyped, setMistyped, open, show, read, ...input } = useInput(hasForm);
  const form = useFaultFocus(mistyped);
  useTab('New problem');
  const faults = post.error ? sortFaults(post.error) : mistyped;

  const fill = (value: unknown): void => {
    post.reset();
    input.fill(value);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    post.reset();
    const given = read();
    if (!given) return;
    const missing = open === 'form' && schema ? missingFields(toFormSchema(schema), given.value) : [];
    setMistyped(missing.length > 0 ? { ...NO_FAULTS, form: MISSING, input: missing } : NO_FAULTS);
    if (missing.length === 0)
      post.send({ graph: graphName, input: given.value ?? {}, ...(title.trim() && { title: title.trim() }) });
  };

  return (
    <form ref={form} noValidate className="form form-wide" aria-labelledby={`${id}-name`} onSubmit={submit}>
      <h1 id={`${id}-name`}>New problem</h1>
      <div className="form-columns">
        <div className="form-column">
          <GraphField
            graphs={graphs}
            chosen={graphName}
            onChange={(name) => {
              setChosen(name);
              setDraft({ value: undefined, text: undefined });
              post.reset();
            }}
            faults={faults.graph}
          />
          <TitleField title={title} onChange={setTitle} faults={faults.title} />
          <Samples
            samples={samples ?? []}
            onChoose={(sample) => {
              fill(sample.input);
              setTitle(sample.title);
            }}
          />
          {shownTask && shownTask.graph === graphName && (
            <button type="button" className="link" onClick={() => fill(shownTask.input)}>
              Use the input of the iteration that was shown
            </button>
          )}
          {newest && newest.task.problem_id !== shownTask?.problem_id && (
            <button type="button" className="link" onClick={() => fill(newest.task.input)}>
              Use the input of the newest problem, “{titleOf(newest.title, newest.task.problem_id)}”
            </button>
          )}
        </div>
        <InputPart type={type} tabs={hasForm ? { open, onOpen: show } : undefined}>
          {graph.isError && <p className="fault">{graph.error.message}</p>}
          {open === 'form' && schema && (
            <SourceForm
              schema={schema}
              value={draft.value}
              onChange={(value) => setDraft({ value, text: undefined })}
              faults={faults.input}
              known={known}
            />
          )}
          {open === 'json' && graph.data && (
            <InputField
              label="Input, as JSON"
              value={draft.text ?? (draft.value === undefined ? '' : printIndented(draft.value))}
              onChange={(text) => setDraft({ value: undefined, text })}
              faults={faults.input}
            />
          )}
        </InputPart>
      </div>
      <FormFault faults={faults} />
      <div className="actions form-actions">
        <button type="submit" className="primary" disabled={post.pending || graph.data === undefined}>
          {post.pending ? 'Submitting …' : 'Submit'}
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}

/** The input as a value, or as the JSON text that it is being typed as. */
interface Draft {
  readonly value: unknown;
  readonly text: string | undefined;
}

interface GivenInput {
  readonly draft: Draft;
  readonly setDraft: (draft: Draft) => void;
  /** The faults that were found before anything was sent. */
  readonly mistyped: FormFaults;
  readonly setMistyped: (faults: FormFaults) => void;
  readonly open: Tab;
  /** Goes to the other tab, where the input can be read. */
  readonly show: (next: Tab) => void;
  readonly fill: (value: unknown) => void;
  /** The input as it stands, or nothing, with the fault shown where it was typed. */
  readonly read: () => { readonly value: unknown } | undefined;
}

/** The input as it is being given, in the form or as JSON. */
function useInput(hasForm: boolean): GivenInput {
  const [draft, setDraft] = useState<Draft>({ value: undefined, text: undefined });
  const [tab, setTab] = useState<Tab>('form');
  const [mistyped, setMistyped] = useState<FormFaults>(NO_FAULTS);
  const open = hasForm ? tab : 'json';
  const read = (): { value: unknown } | undefined => {
    if (draft.text === undefined) return { value: draft.value ?? (hasForm ? {} : undefined) };
    const parsed = parseInput(draft.text);
    setMistyped(parsed.ok ? NO_FAULTS : { ...NO_FAULTS, input: [parsed.fault] });
    return parsed.ok ? { value: parsed.value } : undefined;
  };
  const fill = (value: unknown): void => {
    setMistyped(NO_FAULTS);
    setDraft({ value, text: open === 'json' ? printIndented(value) : undefined });
  };
  const show = (next: Tab): void => {
    const given = read();
    if (!given) return;
    setTab(next);
    const text = next === 'json' ? printIndented(given.value ?? {}) : undefined;
    setDraft({ value: partAt(given.value, []), text });
  };
  return { draft, setDraft, mistyped, setMistyped, open, show, fill, read };
}

/** The names of stored graphs. */
interface GraphNames {
  readonly names: readonly string[];
  readonly error: Error | null;
  readonly areRead: boolean;
}

function useGraphNames(): GraphNames {
  const graphs = useQuery(graphsQuery());
  const stored = [...new Set(graphs.data?.map((graph) => graph.name))];
  // That of jobs is a part of Tutti: few people mean it here.
  const names = [
    ...stored.filter((name) => name !== JOB_GRAPH_NAME),
    ...stored.filter((name) => name === JOB_GRAPH_NAME),
  ];
  return { names, error: graphs.error, areRead: graphs.data !== undefined };
}

function GraphField(props: {
  graphs: GraphNames;
  chosen: string;
  onChange: (name: string) => void;
  faults: FormFaults['graph'];
}): ReactNode {
  const { graphs, chosen, onChange, faults } = props;
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>Graph</label>
      <select
        id={id}
        value={chosen}
        aria-describedby={`${id}-faults`}
        onChange={(change) => onChange(change.target.value)}
      >
        {graphs.names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <FieldFaults id={`${id}-faults`} faults={faults} />
      {graphs.error && <p className="fault">{graphs.error.message}</p>}
      {graphs.areRead && graphs.names.length === 0 && <p className="none">No graph is stored yet.</p>}
    </div>
  );
}

function TitleField(props: {
  title: string;
  onChange: (title: string) => void;
  faults: FormFaults['title'];
}): ReactNode {
  const { title, onChange, faults } = props;
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>
        Title <small>optional</small>
      </label>
      <input
        id={id}
        value={title}
        maxLength={1000}
        autoComplete="off"
        aria-describedby={`${id}-faults`}
        onChange={(change) => onChange(change.target.value)}
      />
      <FieldFaults id={`${id}-faults`} faults={faults} />
    </div>
  );
}

/** Where the input is given. `tabs`: the ways to give it, where there are several. */
function InputPart(props: {
  type: string | undefined;
  tabs: { readonly open: Tab; readonly onOpen: (tab: Tab) => void } | undefined;
  children: ReactNode;
}): ReactNode {
  const { type, tabs, children } = props;
  const id = useId();
  const panel = `${id}-panel`;
  return (
    <section className="input-part" aria-labelledby={id}>
      <header className="part-head">
        <h2 id={id}>
          Input <small>{type}</small>
        </h2>
        {tabs && <Tabs open={tabs.open} onOpen={tabs.onOpen} panel={panel} />}
      </header>
      <div id={panel} {...(tabs && { role: 'tabpanel', 'aria-labelledby': `${panel}-${tabs.open}` })}>
        {children}
      </div>
    </section>
  );
}

const TABS = { form: 'Form', json: 'JSON' } as const;
type Tab = keyof typeof TABS;

function Tabs(props: { open: Tab; onOpen: (tab: Tab) => void; panel: string }): ReactNode {
  const { open, onOpen, panel } = props;
  const list = useRef<HTMLDivElement>(null);
  const other = open === 'form' ? 'json' : 'form';
  return (
    <div
      ref={list}
      className="tabs"
      role="tablist"
      aria-label="Input as"
      onKeyDown={(event) => {
        if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
        onOpen(other);
        list.current?.querySelector<HTMLElement>(`#${CSS.escape(`${panel}-${other}`)}`)?.focus();
      }}
    >
      {(['form', 'json'] as const).map((tab) => (
        <button
          key={tab}
          type="button"
          role="tab"
          id={`${panel}-${tab}`}
          aria-selected={tab === open}
          aria-controls={panel}
          tabIndex={tab === open ? 0 : -1}
          onClick={() => tab !== open && onOpen(tab)}
        >
          {TABS[tab]}
        </button>
      ))}
    </div>
  );
}

/** Inputs that show what the graph is for; choosing one fills the form. */
function Samples(props: {
  samples: readonly SampleJson[];
  onChoose: (sample: SampleJson) => void;
}): ReactNode {
  const id = useId();
  if (props.samples.length === 0) return null;
  return (
    <section className="samples" aria-labelledby={id}>
      <h2 id={id}>
        Samples <small>to begin with</small>
      </h2>
      <ul>
        {props.samples.map((sample) => (
          <li key={sample.name}>
            <button type="button" className="sample" onClick={() => props.onChoose(sample)}>
              {sample.title}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

const MISSING = 'Not sent: some of the fields above are required.';

/** The newest problem of the graph: people mostly change one thing about what they asked last. */
function useNewest(graph: string): { readonly title: string | null; readonly task: TaskJson } | undefined {
  const list = useQuery({ ...problemsQuery({ ...NO_FILTER, graph }), enabled: graph !== '' });
  const problem = list.data?.view.items[0];
  const { problem_id = '', newest_iteration_id = 0 } = problem ?? {};
  const found = useQuery({ ...taskQuery(problem_id, newest_iteration_id), enabled: problem !== undefined });
  const task = found.data?.view.task;
  const title = problem?.title ?? null;
  return useMemo(() => (task ? { title, task } : undefined), [title, task]);
}

/** When faults are found before anything is sent, the first field that has one is gone to. */
function useFaultFocus(faults: FormFaults): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (faults.input.length > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [faults]);
  return form;
}
