export interface Shortcut {
  /** As tinykeys writes them: `g h`. */
  readonly keys: string;
  /** What they do. */
  readonly words: string;
}
