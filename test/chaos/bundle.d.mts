/** The path of a module, in a folder of its own that is removed when this process ends. */
export declare function bundle(root: string, entry: string): Promise<string>;
