import type { ReactNode } from 'react';
import { Chip } from '../display/chip.js';
import { Moment } from '../display/time.js';
import type { Tone } from '../display/tone.js';
import { type CommandRecord, describeCommand } from './records.js';

const TONES: Readonly<Record<CommandRecord['state'], Tone>> = {
  pending: { tone: 'busy', glyph: 'quarter' },
  acked: { tone: 'good', glyph: 'full' },
  refused: { tone: 'bad', glyph: 'cross' },
  expired: { tone: 'held', glyph: 'pause' },
};

/** The newest commands with how far each has come; changes are announced. */
export function CommandList(props: {
  records: readonly CommandRecord[];
  /** @default 3 */
  newest?: number;
  /** What was asked for and has not been recorded yet. */
  sending?: string | undefined;
}): ReactNode {
  const { records, newest = 3, sending } = props;
  const shown = records.slice(-newest).reverse();
  return (
    <div role="status" className="commands">
      {sending !== undefined && <Chip tone={TONES.pending}>{sending}: sent</Chip>}
      {shown.map((record) => (
        <span key={record.command_id} className="command">
          <Chip tone={TONES[record.state]}>{describeCommand(record)}</Chip>{' '}
          <span className="command-note">
            <Moment at={record.issued_at} />
            {record.reason && ` · ${record.reason}`}
          </span>
        </span>
      ))}
    </div>
  );
}
