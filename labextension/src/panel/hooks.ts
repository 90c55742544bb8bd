/**
 * How a view follows a signal.
 */
import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer } from 'react';

/** Render again whenever the signal is emitted. */
export function useSignal<S, A>(signal: ISignal<S, A>): void {
  const [, render] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    signal.connect(render);
    return () => {
      signal.disconnect(render);
    };
  }, [signal]);
}
