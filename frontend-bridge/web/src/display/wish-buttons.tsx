import './wish-buttons.css';
import { type ReactNode, useState } from 'react';
import type { Post } from '../api/use-post.js';
import { Refused } from './refused.js';

/** Something that a person may ask for by a button. */
export interface Wish<A> {
  readonly label: string;
  readonly asked: A;
  /** What is asked back before it is done; without it, it is done at once. */
  readonly question?: string;
  readonly isMain?: true;
}

export interface WishButtonsProps<A> {
  readonly wishes: readonly Wish<A>[];
  readonly post: Post<A, unknown>;
  /** Stands before the buttons. */
  readonly children?: ReactNode;
}

/** The buttons of what may be asked for now, and why the last wish was refused. One with a question asks back first. */
export function WishButtons<A>({ wishes, post, children }: WishButtonsProps<A>): ReactNode {
  const [asking, setAsking] = useState<Wish<A>>();
  const send = ({ asked }: Wish<A>): void => {
    setAsking(undefined);
    post.send(asked);
  };
  return (
    <div className="wish-buttons">
      {asking && wishes.includes(asking) ? (
        <fieldset className="actions asking">
          <legend>{asking.question}</legend>
          <button type="button" className="grave" onClick={() => send(asking)}>
            {asking.label}
          </button>
          <button type="button" onClick={() => setAsking(undefined)}>
            Do nothing
          </button>
        </fieldset>
      ) : (
        <div className="actions">
          {children}
          {wishes.map((wish) => (
            <button
              key={wish.label}
              type="button"
              className={wish.isMain ? 'primary' : undefined}
              disabled={post.pending}
              onClick={() => (wish.question === undefined ? send(wish) : setAsking(wish))}
            >
              {wish.label}
              {wish.question !== undefined && ' …'}
            </button>
          ))}
        </div>
      )}
      {post.error && <Refused error={post.error} />}
    </div>
  );
}
