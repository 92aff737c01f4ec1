import { type ReactNode, useId } from 'react';

/** How charts of numbers are drawn. */
export interface ChartLook {
  readonly isLog: boolean;
  /** Of the values before, in each value that is drawn: from 0, none, to less than 1. */
  readonly weight: number;
}

export const PLAIN_LOOK: ChartLook = { isLog: false, weight: 0 };

export function ChartLookTools(props: { look: ChartLook; onChange: (look: ChartLook) => void }): ReactNode {
  const { look, onChange } = props;
  const id = useId();
  return (
    <p className="chart-tools">
      <label className="choice">
        <input
          type="checkbox"
          checked={look.isLog}
          onChange={({ target }) => onChange({ ...look, isLog: target.checked })}
        />
        <span>Logarithmic</span>
      </label>
      <label htmlFor={id}>Smooth</label>
      <input
        id={id}
        type="range"
        min={0}
        max={0.95}
        step={0.05}
        value={look.weight}
        onChange={({ target }) => onChange({ ...look, weight: Number(target.value) })}
      />
    </p>
  );
}
