/** The browser's tab: what it is about, and how that stands, seen from among other tabs. */
import { useEffect } from 'react';
import { useMyApprovals } from '../approvals/mine.js';
import type { Tone } from './tone.js';

/** Signals of the tones on a dark and on a light tab bar alike. */
const COLOURS: Readonly<Record<Tone['tone'], string>> = {
  quiet: '#8d887e',
  busy: '#3d82f0',
  good: '#2f9e55',
  bad: '#d8342a',
  held: '#d99000',
};

/** How many modules wait for the person who looks, as a badge has it; nothing where none does. */
export function useApprovalsBadge(): string | undefined {
  const view = useMyApprovals().data?.view;
  if (view === undefined || view.items.length === 0) return undefined;
  return `${view.items.length}${view.hasMore ? '+' : ''}`;
}

/** `(2) title · Tutti` while two modules wait for the person, and an icon with a dot in the colour of the tone. */
export function useTab(title: string | undefined, tone?: Tone['tone']): void {
  const badge = useApprovalsBadge();
  useEffect(() => {
    const plain = title === undefined ? 'Tutti' : `${title} · Tutti`;
    document.title = badge === undefined ? plain : `(${badge}) ${plain}`;
  }, [title, badge]);
  useEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (icon === null || tone === undefined) return;
    const plain = icon.href;
    icon.href = `data:image/svg+xml,${encodeURIComponent(drawIcon(COLOURS[tone]))}`;
    return () => {
      icon.href = plain;
    };
  }, [tone]);
}

/** That of `favicon.svg`, with the dot. */
function drawIcon(colour: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1c1b19"/><g stroke="#8d887e"><path d="M4 10.5h24M4 14.5h24M4 18.5h24M4 22.5h24M4 6.5h24"/></g><ellipse cx="13" cy="20.5" rx="4.6" ry="3.4" transform="rotate(-20 13 20.5)" fill="#f6f3ec"/><path d="M17.2 19V6" stroke="#f6f3ec" stroke-width="1.8"/><circle cx="25" cy="25" r="6.5" fill="${colour}" stroke="#1c1b19" stroke-width="1.5"/></svg>`;
}
