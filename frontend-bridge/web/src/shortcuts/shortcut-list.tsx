import '../iterations/iterations.css';
import type { ReactNode } from 'react';
import { Modal } from '../iterations/modal.js';
import type { Shortcut } from './shortcut.js';

/** The shortcuts that hold now. */
export default function ShortcutList(props: {
  shortcuts: readonly Shortcut[];
  onClose: () => void;
}): ReactNode {
  const { shortcuts, onClose } = props;
  return (
    <Modal label="Keyboard shortcuts" onClose={onClose}>
      <header className="panel-head">
        <h2>Keyboard shortcuts</h2>
        <button type="button" className="quiet" onClick={onClose}>
          Close
        </button>
      </header>
      <dl className="shortcuts">
        {[{ keys: '?', words: 'Show this list' }, ...shortcuts].map(({ keys, words }) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{NAMES[key] ?? key}</kbd>
              ))}
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}

const NAMES: Readonly<Record<string, string>> = {
  Escape: 'Esc',
  Space: 'Space',
  ArrowLeft: '←',
  ArrowRight: '→',
};
