/** A node's folder: paths and their contents. */
export type Template = (node: {
  readonly name: string;
  readonly packageRoot: string;
}) => Readonly<Record<string, string>>;
