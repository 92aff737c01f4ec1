import { type Context, createContext } from 'react';

/** The level of the heading that a value stands below: its own headings begin one further down. */
export const HeadingAbove: Context<2 | 3> = createContext<2 | 3>(3);
