import type { ReactNode } from 'react';
import { chooseTheme, THEMES, type Theme, useTheme } from './theme.js';

const WORDS: Readonly<Record<Theme, string>> = { system: 'as the system', light: 'light', dark: 'dark' };

/** From the system's theme to light to dark, and round again. */
export function ThemeSwitch(): ReactNode {
  const theme = useTheme();
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
  return (
    <button
      type="button"
      className="sign-button"
      aria-label={`Theme: ${WORDS[theme]}. Change to ${WORDS[next]}`}
      title={`Theme: ${WORDS[theme]}`}
      onClick={() => chooseTheme(next)}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        {SIGNS[theme]}
      </svg>
    </button>
  );
}

const SIGNS: Readonly<Record<Theme, ReactNode>> = {
  system: (
    <>
      <circle cx="8" cy="8" r="5.6" fill="none" stroke="currentColor" strokeWidth="1.4" />
      <path d="M8 2.4a5.6 5.6 0 0 1 0 11.2z" fill="currentColor" />
    </>
  ),
  light: (
    <>
      <circle cx="8" cy="8" r="3" fill="currentColor" />
      <path
        d="M8 1v2M8 13v2M1 8h2M13 8h2M3 3l1.5 1.5M11.5 11.5L13 13M13 3l-1.5 1.5M4.5 11.5L3 13"
        stroke="currentColor"
        strokeWidth="1.3"
      />
    </>
  ),
  dark: <path d="M13.2 10.2A5.8 5.8 0 0 1 5.8 2.8a5.8 5.8 0 1 0 7.4 7.4z" fill="currentColor" />,
};
