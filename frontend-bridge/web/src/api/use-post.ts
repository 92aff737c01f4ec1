import { useMutation } from '@tanstack/react-query';
import { useRef } from 'react';
import { printJson } from '../../../../src/base/json/json-text.js';
import { newIdempotencyKey } from './http.js';

export interface Post<A, R> {
  readonly send: (asked: A) => void;
  readonly pending: boolean;
  readonly error: Error | null;
  readonly result: R | undefined;
  readonly reset: () => void;
}

/**
 * Sends a request so that it is done once: asking the same again after an answer was lost goes out under the same
 * idempotency key; asking something else, or again after an answer, under a new one.
 */
export function usePost<A, R>(
  post: (asked: A, key: string) => Promise<R>,
  onDone?: (result: R) => void,
): Post<A, R> {
  const sent = useRef<{ body: string; key: string } | null>(null);
  const mutation = useMutation({
    mutationFn: (asked: A) => {
      const body = printJson(asked) ?? '';
      if (sent.current?.body !== body) sent.current = { body, key: newIdempotencyKey() };
      return post(asked, sent.current.key);
    },
    onSuccess: (result) => {
      sent.current = null;
      onDone?.(result);
    },
  });
  return {
    send: mutation.mutate,
    pending: mutation.isPending,
    error: mutation.error,
    result: mutation.data,
    reset: mutation.reset,
  };
}
