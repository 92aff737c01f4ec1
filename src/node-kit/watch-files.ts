/** Hears of files that change under a folder, once for all that change together. */
import { type FSWatcher, watch } from 'node:fs';
import { sep } from 'node:path';

/** Editors and compilers write several files, and one file several times. */
const QUIET_MS = 150;

/** Files that tools write themselves: a change there follows from one that was already seen. */
const IGNORED = /^(node_modules|dist|build|__pycache__|\..+)$|\.(pyc|log|tsbuildinfo)$|~$/;

export interface FileWatch {
  close(): void;
}

export function watchFiles(folders: readonly string[], onChange: (path: string) => void): FileWatch {
  let timer: NodeJS.Timeout | undefined;
  const watchers: FSWatcher[] = folders.map((folder) =>
    watch(folder, { recursive: true }, (_event, path) => {
      if (path === null || isIgnored(path)) return;
      clearTimeout(timer);
      timer = setTimeout(() => onChange(path), QUIET_MS);
    }),
  );
  return {
    close() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

/** Whether some part of the path is one that tools write. */
export function isIgnored(path: string): boolean {
  return path.split(sep).some((part) => IGNORED.test(part));
}
