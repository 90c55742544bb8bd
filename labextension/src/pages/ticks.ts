/**
 * Time for a page that shows what changes without an event: it passes only while the page is seen,
 * so that one that nobody looks at asks nothing.
 */
import { type RefObject, useEffect, useReducer } from 'react';

/** How many stretches of time have passed while this element was in sight. */
export function useTicks(element: RefObject<HTMLElement>, milliseconds: number): number {
  const [ticks, tick] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(() => {
      // A tab behind another one has no place on the screen.
      if (!document.hidden && element.current?.getClientRects().length) {
        tick();
      }
    }, milliseconds);
    return () => clearInterval(timer);
  }, [element, milliseconds]);
  return ticks;
}
