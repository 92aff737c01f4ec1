/** Light or dark: as the system says, or as the person has chosen for this browser. */
import { useSyncExternalStore } from 'react';
import { remember, remembered } from './remembered.js';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'tutti.theme';
const listeners = new Set<() => void>();
const dark = window.matchMedia('(prefers-color-scheme: dark)');

/** Call before anything is drawn. */
export function adoptTheme(): void {
  show(readTheme());
  dark.addEventListener('change', tell);
  window.addEventListener('storage', (change) => {
    if (change.key === KEY) show(readTheme());
  });
}

export function chooseTheme(theme: Theme): void {
  remember(KEY, theme);
  show(theme);
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, readTheme);
}

/** For what is drawn in colours of its own, such as a chart. */
export function useIsDark(): boolean {
  return useSyncExternalStore(subscribe, isDark);
}

function isDark(): boolean {
  const theme = readTheme();
  return theme === 'system' ? dark.matches : theme === 'dark';
}

function readTheme(): Theme {
  return THEMES.find((theme) => theme === remembered(KEY)) ?? 'system';
}

function show(theme: Theme): void {
  const { dataset } = document.documentElement;
  if (theme === 'system') delete dataset.theme;
  else dataset.theme = theme;
  tell();
}

function tell(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
