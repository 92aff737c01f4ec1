const LETTERS = 8;

/** An id as people are shown it: its end, which tells ids apart that begin with the same time. Every command takes it for the id. */
export function shortId(id: string): string {
  return id.slice(-LETTERS);
}
