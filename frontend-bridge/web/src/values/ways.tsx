import type { ReactNode } from 'react';

/** The ways to look at a value, of which one is chosen. */
export function Ways<Way extends string>(props: {
  ways: Readonly<Record<Way, string>>;
  chosen: Way;
  name: string;
  onChoose: (way: Way) => void;
}): ReactNode {
  const { ways, chosen, name, onChoose } = props;
  return (
    <fieldset className="speeds">
      <legend className="unseen">Show as</legend>
      {(Object.keys(ways) as Way[]).map((one) => (
        <label key={one} className={one === chosen ? 'speed speed-chosen' : 'speed'}>
          <input
            type="radio"
            name={`way ${name}`}
            className="unseen"
            checked={one === chosen}
            onChange={() => onChoose(one)}
          />
          {ways[one]}
        </label>
      ))}
    </fieldset>
  );
}
