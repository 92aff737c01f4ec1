import { type ReactNode, useRef, useState } from 'react';
import { formatBytes } from '../display/amounts.js';
import { Sign } from '../display/chip.js';
import { type ChosenFile, fromChooser, fromDrop } from './chosen-files.js';
import type { ChosenBlueprint } from './use-blueprint.js';

/** Where a blueprint and the files beside it are dropped or chosen, and which of them are still missing. */
export function BlueprintFiles({ blueprint }: { blueprint: ChosenBlueprint }): ReactNode {
  const { files, isRead, blueprints, chosen, named } = blueprint;
  return (
    <>
      <DropTarget onFiles={blueprint.add} />
      {blueprints.length > 1 && (
        <div className="field">
          <label htmlFor="blueprint-chosen">Blueprint</label>
          <select
            id="blueprint-chosen"
            value={chosen?.path}
            onChange={({ target }) => blueprint.choose(target.value)}
          >
            {blueprints.map(({ path }) => (
              <option key={path}>{path}</option>
            ))}
          </select>
        </div>
      )}
      <div role="status">
        {files.length > 0 && isRead && chosen === undefined && (
          <p className="fault">None of these files is a blueprint, a YAML file with the field “blueprint”.</p>
        )}
      </div>
      {chosen && (
        <ul className="named-files" aria-label="Files of the blueprint">
          <NamedLine path={chosen.path} file={chosen.file} />
          {named.map(({ path, file }) => (
            <NamedLine key={path} path={path} file={file} />
          ))}
        </ul>
      )}
    </>
  );
}

function NamedLine({ path, file }: { path: string; file: File | undefined }): ReactNode {
  return (
    <li className={file ? 'tone-good' : 'tone-bad'}>
      <Sign glyph={file ? 'full' : 'cross'} />
      <span className="named-path">{path}</span>
      <small className="figure">{file ? formatBytes(file.size) : 'missing: choose it too'}</small>
    </li>
  );
}

function DropTarget({ onFiles }: { onFiles: (files: readonly ChosenFile[]) => void }): ReactNode {
  const single = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [isOver, setIsOver] = useState(false);
  const chooser = (ref: typeof single, label: string, more: Readonly<Record<string, string>>): ReactNode => (
    <>
      <button type="button" className="small" onClick={() => ref.current?.click()}>
        {label}
      </button>
      <input
        ref={ref}
        type="file"
        multiple
        hidden
        {...more}
        aria-label={label}
        onChange={(change) => {
          onFiles(fromChooser(change.target.files ?? []));
          change.target.value = '';
        }}
      />
    </>
  );
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is the mouse's way; the buttons below are everybody's.
    <div
      className={isOver ? 'bytes drop-files bytes-over' : 'bytes drop-files'}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setIsOver(false);
        void fromDrop(event.dataTransfer.items).then(onFiles);
      }}
    >
      <p>Drop the blueprint here with the files that it names, or the folder that they are in.</p>
      <p className="bytes-foot">
        {chooser(single, 'Choose files', {})}
        {chooser(folder, 'Choose a folder', { webkitdirectory: '' })}
      </p>
    </div>
  );
}
