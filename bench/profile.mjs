/**
 * node bench/profile.mjs FILE.cpuprofile…
 *
 * Where the time of a profile goes: by part of the house, and the functions that take most of it themselves.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { printTable } from './support/report.mjs';

const FUNCTIONS = 25;

/**
 * @typedef {{ id: number, callFrame: { functionName: string, url: string, lineNumber: number }, children?: number[] }} Node
 * @typedef {{ nodes: Node[], samples: number[], timeDeltas: number[] }} Profile
 */

/**
 * Code without a file is native: it is named by who calls it, since the profiler often does not know its name.
 * @param {Node} node @param {ReadonlyMap<number, Node>} parents
 */
function nameOf(node, parents) {
  const { functionName, url, lineNumber } = node.callFrame;
  const name = functionName || '(anonymous)';
  if (url !== '') return `${partOf(node.callFrame)}  ${name} ${basename(url)}:${lineNumber + 1}`;
  let caller = parents.get(node.id);
  while (caller && caller.callFrame.url === '') caller = parents.get(caller.id);
  if (!caller) return name;
  const { callFrame } = caller;
  return `${partOf(callFrame)}  native ${name} ← ${callFrame.functionName || '(anonymous)'} ${basename(callFrame.url)}:${callFrame.lineNumber + 1}`;
}

/** @param {Node['callFrame']} frame */
function partOf({ functionName, url }) {
  if (url === '') return functionName || '(native)';
  const inPackage = /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url);
  if (inPackage) return inPackage[1] ?? url;
  if (url.startsWith('node:')) return /^node:(internal\/)?([^/]+)/.exec(url)?.[0] ?? url;
  const own =
    /\/dist\/(src\/[^/]+\/core|src\/[^/]+|frontend-bridge\/gateway\/stream|frontend-bridge\/gateway)\//.exec(
      url,
    );
  return own?.[1] ?? basename(url);
}

/** @param {Map<string, number>} sums @param {number} total @param {number} [most] */
function rowsOf(sums, total, most = sums.size) {
  return [...sums]
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([name, us]) => [name, `${((us / total) * 100).toFixed(1)} %`, (us / 1000).toFixed(0)]);
}

for (const path of process.argv.slice(2)) {
  /** @type {Profile} */
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, 'utf8'));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node])));
  /** @type {Map<string, number>} */
  const parts = new Map();
  /** @type {Map<string, number>} */
  const functions = new Map();
  /** @type {Map<string, number>} */
  const inclusive = new Map();
  let busy = 0;
  let idle = 0;
  for (const [index, id] of samples.entries()) {
    const us = timeDeltas[index] ?? 0;
    const node = /** @type {Node} */ (byId.get(id));
    if (node.callFrame.functionName === '(idle)') {
      idle += us;
      continue;
    }
    busy += us;
    const name = nameOf(node, parents);
    const [part = name] = name.split('  ');
    parts.set(part, (parts.get(part) ?? 0) + us);
    functions.set(name, (functions.get(name) ?? 0) + us);
    /** Once each, however often it calls itself. @type {Set<string>} */
    const callers = new Set();
    for (let at = /** @type {Node | undefined} */ (node); at; at = parents.get(at.id)) {
      if (at.callFrame.url.includes('/dist/')) callers.add(nameOf(at, parents));
    }
    for (const caller of callers) inclusive.set(caller, (inclusive.get(caller) ?? 0) + us);
  }
  const share = ((idle / (idle + busy)) * 100).toFixed(0);
  const title = `${basename(path)}: ${(busy / 1e6).toFixed(2)} s busy, idle ${share} % of the time`;
  printTable({ title, head: ['part', 'self', 'ms'], rows: rowsOf(parts, busy, FUNCTIONS) });
  printTable({
    title: 'Functions',
    head: ['function', 'self', 'ms'],
    rows: rowsOf(functions, busy, FUNCTIONS),
  });
  printTable({
    title: 'The product’s functions with all that they call',
    head: ['function', 'total', 'ms'],
    rows: rowsOf(inclusive, busy, FUNCTIONS),
  });
}
