/**
 * How a view follows what changes.
 */
import type { ISignal } from '@lumino/signaling';
import { createContext, useCallback, useContext, useEffect, useReducer, useState } from 'react';

import { type AimassError, asAimassError } from '../errors';

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

/** How often the page was connected: what is asked is asked again after a connection was lost. */
export const Connections = createContext(0);

export interface IAnswer<T> {
  /** What came last; null before the first answer. */
  readonly value: T | null;
  readonly error: AimassError | null;
  readonly again: () => void;
}

/** Ask, and ask again whenever a part of `about` is another; the last answer stays meanwhile. */
export function useAnswer<T>(ask: () => Promise<T>, about: readonly unknown[]): IAnswer<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<AimassError | null>(null);
  const connections = useContext(Connections);
  const [round, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    let current = true;
    ask().then(
      found => {
        if (current) {
          setValue(found);
          setError(null);
        }
      },
      reason => current && setError(asAimassError(reason))
    );
    return () => {
      current = false;
    };
    // What is asked follows from what it is about.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [...about, round, connections]);
  return { value, error, again: useCallback(() => again(), []) };
}
