import type { ReactNode } from 'react';
import type { RunJson } from '../../../../src/contract/graph.js';
import type { CommandFields } from '../../../../src/model/run.js';
import { CopyButton, CopyLine } from '../copying/copy-button.js';
import { shellLine } from '../copying/shell-words.js';
import { Elapsed, Moment } from '../display/time.js';
import { SelectionLink } from '../selection-link.js';
import { Fact } from './fact.js';

export interface RunCommandProps {
  readonly run: RunJson;
  readonly command: CommandFields | null;
  /** The moment that is shown, where it is not now. */
  readonly asOf: string | undefined;
  /** Whether its execution has ended: nothing more is told of it. */
  readonly isOver: boolean;
}

/** The command of a run module: as its graph has it, then as it ran, where, and how it ended. */
export function RunCommand({ run, command, asOf, isOver }: RunCommandProps): ReactNode {
  const words = command?.argv ?? wordsOf(run);
  const { cluster, engine, engine_id: engineId, host, folder } = command ?? {};
  return (
    <>
      {words.length > 0 && (
        <div className="command-line">
          <pre>{shellLine(words)}</pre>
          <CopyButton text={shellLine(words)} what="the command" />
        </div>
      )}
      {command?.argv === undefined && words.length > 0 && (
        <p className="none">As written in the graph: references are replaced when it starts.</p>
      )}
      {command && (
        <dl className="command-facts">
          {cluster !== undefined && (
            <Fact name="Cluster">
              <SelectionLink className="link" to={{ page: 'clusters', name: cluster }} current={false}>
                {cluster}
              </SelectionLink>
            </Fact>
          )}
          {engine !== undefined && <Fact name="Engine">{engine}</Fact>}
          {engineId !== undefined && (
            <Fact name={engine === 'slurm' || engine === 'torque' ? 'Job id' : 'Process'}>
              <CopyLine text={engineId} what="the engine's id" />
            </Fact>
          )}
          {host !== undefined && <Fact name="Host">{host}</Fact>}
          <Ending command={command} asOf={asOf} isOver={isOver} />
          {folder !== undefined && (
            <Fact name="Folder, kept">
              <CopyLine text={folder} what="the working folder" />
            </Fact>
          )}
        </dl>
      )}
    </>
  );
}

function Ending({
  command,
  asOf,
  isOver,
}: Pick<RunCommandProps, 'asOf' | 'isOver'> & { command: CommandFields }): ReactNode {
  const { started_at: started, ended_at: ended, exit_code: code, signal } = command;
  const isOpen = ended === undefined && !isOver;
  return (
    <>
      {started !== undefined && (
        <Fact name="Started">
          <Moment at={started} />
        </Fact>
      )}
      {ended !== undefined && (
        <Fact name="Ended">
          <Moment at={ended} />
        </Fact>
      )}
      {started !== undefined && (ended !== undefined || isOpen) && (
        <Fact name="Took">
          <Elapsed since={started} until={ended ?? asOf ?? null} />
        </Fact>
      )}
      {signal !== undefined ? (
        <Fact name="Ended by">
          <span className="bad">{signal}</span>
        </Fact>
      ) : (
        code !== undefined && (
          <Fact name="Exit code">
            <span className={code === 0 ? '' : 'bad'}>{code}</span>
          </Fact>
        )
      )}
    </>
  );
}

function wordsOf({ command, script, args = [] }: RunJson): readonly string[] {
  if (command) return command;
  return script === undefined ? [] : [`./${script}`, ...args];
}
