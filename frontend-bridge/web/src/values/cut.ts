/** A text of at most so many letters, the last of which says where it was cut. */
export function cut(text: string, letters: number): string {
  return text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
}
