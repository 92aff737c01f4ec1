export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly message: string; readonly code?: string };
}

/** In the child: answer each request with what `answer` gives or throws. */
export function answerRequests<R>(answer: (request: R) => Promise<unknown>): void {
  process.on('message', ({ id, request }: { id: number; request: R }) => {
    answer(request).then(
      (value) => process.send!({ id, value }),
      (error: Error & { code?: string }) =>
        process.send!({ id, error: { message: error.message, code: error.code } }),
    );
  });
  process.once('disconnect', () => process.exit(0));
}
