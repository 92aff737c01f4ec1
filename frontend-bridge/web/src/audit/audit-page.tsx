import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { PageJson } from '../../../../src/contract/answer.js';
import type { AuditEntryJson } from '../../../../src/contract/audit.js';
import { LEAST_ROLE } from '../../../../src/model/access.js';
import { AUDIT_RESULTS } from '../../../../src/model/audit.js';
import { getJson } from '../api/http.js';
import { meQuery } from '../api/queries.js';
import { Chip } from '../display/chip.js';
import { FleetTable } from '../display/fleet-table.js';
import { useTab } from '../display/tab.js';
import { Moment } from '../display/time.js';
import { Foreign } from '../display/title.js';
import type { Tone } from '../display/tone.js';

const PAGE = 100;
/** What comes before anybody has rights. */
const ACTIONS = ['sign_in', 'join', ...Object.keys(LEAST_ROLE)].sort();
const TONES = {
  done: { tone: 'good', glyph: 'full' },
  refused: { tone: 'bad', glyph: 'cross' },
} as const satisfies Record<AuditEntryJson['result'], Tone>;

interface Filter {
  readonly by: string;
  readonly action: string;
  readonly result: string;
}

/** Who did what, from where, with what result: the newest first, for administrators. */
export default function AuditPage(): ReactNode {
  const me = useQuery(meQuery());
  useTab('Audit');
  return (
    <article className="fleet" aria-labelledby="audit-title">
      {me.data && me.data.role !== 'admin' ? (
        <>
          <h1 id="audit-title">Audit</h1>
          <p className="none">The audit is for administrators; your role is {me.data.role}.</p>
        </>
      ) : (
        me.data && <Audit />
      )}
    </article>
  );
}

function Audit(): ReactNode {
  const [filter, setFilter] = useState<Filter>({ by: '', action: '', result: '' });
  const found = useEntries(filter);
  const entries = found.data?.pages.flatMap(({ items }) => items) ?? [];
  const change = (part: Partial<Filter>): void => setFilter({ ...filter, ...part });
  return (
    <>
      <header className="fleet-head">
        <h1 id="audit-title">Audit</h1>
        <NameField onChange={(by) => change({ by })} />
        <Choice
          label="What"
          value={filter.action}
          options={ACTIONS}
          onChange={(action) => change({ action })}
        />
        <Choice
          label="Result"
          value={filter.result}
          options={AUDIT_RESULTS}
          onChange={(result) => change({ result })}
        />
      </header>
      {found.isError && <p className="fault">{found.error.message}</p>}
      {found.isPending && <p className="none">Reading …</p>}
      {found.data && entries.length === 0 && !found.hasNextPage && (
        <p className="none">There is no such entry.</p>
      )}
      {entries.length > 0 && (
        <FleetTable label="Entries" columns={['Who', 'When', 'From', 'What', 'About', 'Result']}>
          {entries.map((entry) => (
            <EntryRow key={entry.audit_id} entry={entry} />
          ))}
        </FleetTable>
      )}
      {found.hasNextPage && (
        <button type="button" disabled={found.isFetching} onClick={() => void found.fetchNextPage()}>
          Show more
        </button>
      )}
    </>
  );
}

function useEntries(filter: Filter) {
  return useInfiniteQuery({
    queryKey: ['audit', filter],
    initialPageParam: '',
    queryFn: async ({ pageParam, signal }) => {
      const query = new URLSearchParams({ limit: String(PAGE) });
      for (const [name, value] of Object.entries(filter)) if (value !== '') query.set(name, value);
      if (pageParam !== '') query.set('cursor', pageParam);
      return (await getJson<PageJson<AuditEntryJson>>(`audit?${query}`, signal)).value;
    },
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    retry: false,
  });
}

/** The whole name is asked for once it is typed: an entry has the name of a grant, not a part of it. */
function NameField({ onChange }: { onChange: (name: string) => void }): ReactNode {
  const [name, setName] = useState('');
  return (
    <form
      className="tool"
      onSubmit={(event) => {
        event.preventDefault();
        onChange(name.trim());
      }}
    >
      <label className="tool">
        <span>Who</span>
        <input
          type="search"
          value={name}
          placeholder="a name, then Enter"
          onChange={({ target }) => {
            setName(target.value);
            if (target.value === '') onChange('');
          }}
        />
      </label>
    </form>
  );
}

function Choice(props: {
  label: string;
  value: string;
  options: readonly string[];
  onChange: (value: string) => void;
}): ReactNode {
  const { label, value, options, onChange } = props;
  return (
    <label className="tool">
      <span>{label}</span>
      <select value={value} onChange={({ target }) => onChange(target.value)}>
        <option value="">any</option>
        {options.map((one) => (
          <option key={one} value={one}>
            {one.replaceAll('_', ' ')}
          </option>
        ))}
      </select>
    </label>
  );
}

function EntryRow({ entry }: { entry: AuditEntryJson }): ReactNode {
  const { by, address, project, action, operation, target, result, code, message, times } = entry;
  const about = Object.entries(target);
  return (
    <tr>
      <th scope="row">
        {by === null ? 'nobody known' : <Foreign text={by} />}
        {project !== null && <small className="row-more">{project}</small>}
      </th>
      <td data-label="When">
        <Moment at={entry.last_at} />
      </td>
      <td data-label="From">{address ?? '–'}</td>
      <td data-label="What">
        {operation}
        <small className="row-more">{action.replaceAll('_', ' ')}</small>
      </td>
      <td data-label="About">
        <span className="node-status">
          {about.length === 0 && '–'}
          {about.map(([name, value]) => (
            <small key={name}>
              {name} <Foreign text={String(value)} />
            </small>
          ))}
        </span>
      </td>
      <td data-label="Result">
        <span className="node-status">
          <Chip tone={TONES[result]}>{result}</Chip>
          {times > 1 && <small>{times} times</small>}
          {code !== null && (
            <span className="row-fault">
              {code}: <Foreign text={message ?? ''} />
            </span>
          )}
        </span>
      </td>
    </tr>
  );
}
