/** Which methods an address has, so that a wrong one is told from a wrong address. */
export interface Methods {
  add(method: string | readonly string[], pattern: string): void;
  /** The methods of the routes that `path` (without its query) matches, sorted. */
  of(path: string): string[];
}

export function createMethods(): Methods {
  const routes = new Map<string, { readonly matcher: RegExp; readonly methods: Set<string> }>();
  return {
    add(method, pattern) {
      const known = routes.get(pattern) ?? { matcher: matcherOf(pattern), methods: new Set<string>() };
      for (const one of [method].flat()) known.methods.add(one);
      routes.set(pattern, known);
    },
    of(path) {
      const found = new Set<string>();
      for (const { matcher, methods } of routes.values()) {
        if (matcher.test(path)) for (const method of methods) found.add(method);
      }
      return [...found].sort();
    },
  };
}

function matcherOf(pattern: string): RegExp {
  const source = pattern
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('/');
  return new RegExp(`^${source}$`);
}
