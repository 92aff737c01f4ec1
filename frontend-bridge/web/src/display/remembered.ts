/** What this browser keeps; in one that keeps nothing, it holds until the page is left. */
const held = new Map<string, string>();

export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key) ?? held.get(key) ?? null;
  } catch {
    return held.get(key) ?? null;
  }
}

export function remember(key: string, text: string): void {
  try {
    localStorage.setItem(key, text);
    held.delete(key);
  } catch {
    // The browser forbids it, or has no room.
    held.set(key, text);
  }
}
