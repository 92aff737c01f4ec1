/** What this browser keeps, where it keeps anything. */
export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** In a browser that keeps nothing, it holds until the page is left. */
export function remember(key: string, text: string): void {
  try {
    localStorage.setItem(key, text);
  } catch {
    // It is as if nobody had chosen.
  }
}
