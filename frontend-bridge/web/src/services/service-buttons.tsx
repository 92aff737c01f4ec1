import { type ReactNode, useState } from 'react';
import type { ServiceJson } from '../../../../src/contract/service.js';
import { commandService, type ServiceCommand } from '../api/commands.js';
import { usePost } from '../api/use-post.js';

/** Restarting, and stopping or starting. */
export function ServiceButtons({ service }: { service: ServiceJson }): ReactNode {
  const { name, desired } = service;
  const told = usePost((asked: ServiceCommand, key: string) => commandService(name, asked, key));
  const button = (command: 'restart' | 'stop' | 'start', label: string): ReactNode => (
    <button
      type="button"
      className="small"
      disabled={told.pending}
      aria-label={`${label} ${name}`}
      onClick={() => told.send({ command })}
    >
      {label}
    </button>
  );
  if (desired === 'removed') return null;
  return (
    <div className="actions">
      {desired === 'running' && button('restart', 'Restart')}
      {desired === 'running' ? button('stop', 'Stop') : button('start', 'Start')}
      {told.error && <p className="fault">{told.error.message}</p>}
    </div>
  );
}

/** How many replicas there are to be. */
export function ScaleForm({ name, count }: { name: string; count: number }): ReactNode {
  const [text, setText] = useState(String(count));
  const scale = usePost((asked: ServiceCommand, key: string) => commandService(name, asked, key));
  return (
    <form
      className="inline-field"
      onSubmit={(event) => {
        event.preventDefault();
        scale.send({ command: 'scale', count: Number(text) });
      }}
    >
      <label htmlFor="service-count">Replicas</label>
      <input
        id="service-count"
        className="figure"
        type="number"
        min={0}
        step={1}
        required
        value={text}
        onChange={({ target }) => setText(target.value)}
      />
      <button type="submit" disabled={scale.pending || text === ''}>
        Scale
      </button>
      {scale.error && <p className="fault">{scale.error.message}</p>}
    </form>
  );
}
