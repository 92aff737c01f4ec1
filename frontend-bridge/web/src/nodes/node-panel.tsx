import { useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useId, useMemo, useState } from 'react';
import type { EventJson } from '../../../../src/contract/event.js';
import type { NodeJson } from '../../../../src/contract/node.js';
import { commandNode, configureNode, type NodeCommand } from '../api/commands.js';
import { nodeEventsQuery } from '../api/queries.js';
import { usePost } from '../api/use-post.js';
import { CommandList } from '../commands/command-list.js';
import { commandsOf } from '../commands/records.js';
import { CopyButton } from '../copying/copy-button.js';
import { describeEvent } from '../display/event-words.js';
import { Moment } from '../display/time.js';
import { NodeStatus, RunningTask } from './node-table.js';

const COMMANDS: readonly NodeCommand[] = ['start', 'stop', 'reset', 'terminate'];

/** One node: what it is, what it can be told, and what happened to it lately. */
export function NodePanel({ node, onClose }: { node: NodeJson; onClose: () => void }): ReactNode {
  const events = useQuery(nodeEventsQuery(node.node_id));
  const items = events.data?.view.items ?? [];
  return (
    <section className="panel" aria-labelledby="node-title">
      <header className="panel-head">
        <h2 id="node-title">{node.instance}</h2>
        <button type="button" className="quiet" onClick={onClose}>
          Close
        </button>
      </header>
      <dl className="facts">
        <Fact name="Status">
          <NodeStatus node={node} />
        </Fact>
        <Fact name="Module">{node.module}</Fact>
        <Fact name="Slots">
          {node.running.length} of {node.capacity} taken
        </Fact>
        <Fact name="Version">
          <code>{node.version || '—'}</code>
        </Fact>
        <Fact name="Starts">{node.incarnation}</Fact>
        {Object.entries(node.labels).length > 0 && (
          <Fact name="Labels">
            {Object.entries(node.labels)
              .map(([label, value]) => `${label}=${value}`)
              .join(', ')}
          </Fact>
        )}
        <Fact name="node_id">
          <code>{node.node_id}</code> <CopyButton text={node.node_id} what="the node's id" />
        </Fact>
      </dl>
      {node.running.length > 0 && (
        <section className="part">
          <h3>Runs now</h3>
          <ul className="runs">
            {node.running.map((running) => (
              <li key={running.execution_id}>
                {running.module}: <RunningTask running={running} />
              </li>
            ))}
          </ul>
        </section>
      )}
      <NodeCommands node={node} events={items} />
      <Configuration node={node} />
      <section className="part">
        <h3>
          Recent events <small>newest first</small>
        </h3>
        {events.isError && <p className="fault">{events.error.message}</p>}
        {events.data && items.length === 0 && <p className="none">None lately.</p>}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled with the keyboard. */}
        <ol className="log node-log" aria-label="Recent events" tabIndex={0}>
          {items.slice(0, 100).map((event) => (
            <li key={event.seq}>
              <Moment at={event.at} date="always" /> {describeEvent(event)}
            </li>
          ))}
        </ol>
      </section>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }): ReactNode {
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function NodeCommands({ node, events }: { node: NodeJson; events: readonly EventJson[] }): ReactNode {
  const id = useId();
  const [reason, setReason] = useState('');
  const [asked, setAsked] = useState<NodeCommand>();
  const post = usePost((command: NodeCommand, key: string) =>
    commandNode(node.node_id, { command, ...(reason.trim() && { reason: reason.trim() }) }, key),
  );
  const records = useMemo(() => commandsOf(events), [events]);
  const isRecorded = records.some((record) => record.command_id === post.result?.command_id);
  return (
    <section className="part">
      <h3>Commands</h3>
      <div className="actions">
        {COMMANDS.map((command) => (
          <button
            key={command}
            type="button"
            disabled={post.pending}
            onClick={() => {
              setAsked(command);
              post.send(command);
            }}
          >
            {command.charAt(0).toUpperCase() + command.slice(1)}
          </button>
        ))}
        <label className="inline-field" htmlFor={`${id}-reason`}>
          Reason <small>optional</small>
          <input
            id={`${id}-reason`}
            value={reason}
            maxLength={1000}
            onChange={(change) => setReason(change.target.value)}
          />
        </label>
      </div>
      {post.error && <p className="fault">{post.error.message}</p>}
      <CommandList
        records={records}
        sending={post.pending || (post.result && !isRecorded) ? `${asked}` : undefined}
      />
    </section>
  );
}

function Configuration({ node }: { node: NodeJson }): ReactNode {
  const id = useId();
  const [configuration, setConfiguration] = useState('');
  const post = usePost((text: string, key: string) => configureNode(node.node_id, text, key));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    post.send(configuration);
  };
  return (
    <section className="part">
      <h3>Configuration</h3>
      <form className="configure" onSubmit={submit}>
        <div className="field">
          <label htmlFor={`${id}-text`}>Sent to the node unchanged</label>
          <textarea
            id={`${id}-text`}
            rows={3}
            spellCheck={false}
            value={configuration}
            onChange={(change) => setConfiguration(change.target.value)}
          />
        </div>
        <div className="actions">
          <button type="submit" disabled={post.pending}>
            {post.pending ? 'Waiting for the node …' : 'Configure'}
          </button>
        </div>
      </form>
      <div role="status">
        {post.error && <p className="fault">{post.error.message}</p>}
        {post.result && (
          <div className={post.result.success ? 'answer' : 'fault'}>
            <p>{post.result.success ? 'Accepted. The node answered:' : 'Refused. The node answered:'}</p>
            <pre>{post.result.error?.message ?? post.result.configuration}</pre>
          </div>
        )}
      </div>
    </section>
  );
}
