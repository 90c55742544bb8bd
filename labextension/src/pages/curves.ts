/**
 * The curves of a job or a run: read once, then only what is new, whenever something tells that
 * there may be more.
 */
import { useContext, useEffect, useRef, useState } from 'react';

import { Connections } from '../panel/hooks';
import type { Curves } from '../schema';
import type { IChart, ICurve } from './chart';

/** What is kept of a curve. */
interface ICourse {
  readonly tag: string;
  readonly steps: readonly number[];
  readonly values: readonly (number | null)[];
}

/**
 * @param ask - for what came after a cursor.
 * @param about - they are asked for again whenever a part of this is another.
 */
export function useCurves(
  ask: (cursor: string) => Promise<Curves>,
  about: readonly unknown[]
): IChart[] {
  const [series, setSeries] = useState<readonly ICourse[]>([]);
  const connections = useContext(Connections);
  const follower = useRef({ cursor: '', isAsking: false, wantsMore: false });
  useEffect(() => {
    const state = follower.current;
    const read = async (): Promise<void> => {
      state.wantsMore = false;
      const found = await ask(state.cursor);
      state.cursor = found.cursor;
      setSeries(old => appended(old, found.series));
      return state.wantsMore ? read() : undefined;
    };
    if (state.isAsking) {
      state.wantsMore = true;
      return;
    }
    state.isAsking = true;
    // What cannot be read now is read with the next progress.
    void read()
      .catch(() => undefined)
      .finally(() => (state.isAsking = false));
    // What is asked for follows from what it is about.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [...about, connections]);
  return chartsOf(series);
}

/**
 * Points that came after those that were there. Where they begin before the last of these, the run
 * went on from a checkpoint, or began anew, and did again what came after that.
 */
export function appended(old: readonly ICourse[], found: readonly ICourse[]): readonly ICourse[] {
  const known = new Map(old.map(each => [each.tag, each]));
  for (const { tag, steps, values } of found) {
    const before = known.get(tag) ?? { steps: [], values: [] };
    const counted = before.steps[before.steps.length - 1] > 0; // points all of step 0 stay
    const again = counted ? before.steps.findIndex(step => step >= steps[0]) : -1;
    const kept = again < 0 ? before.steps.length : again;
    known.set(tag, {
      tag,
      steps: [...before.steps.slice(0, kept), ...steps],
      values: [...before.values.slice(0, kept), ...values]
    });
  }
  return [...known.values()];
}

/** The charts of a job; how far it is has a bar of its own. */
export function chartsOf(series: readonly ICourse[]): IChart[] {
  const charts = new Map<string, ICurve[]>();
  for (const { tag, steps, values } of series.filter(each => !each.tag.startsWith('progress/'))) {
    const [title, ...rest] = tag.split('/');
    const curve = { label: rest.join('/') || title, steps, values };
    charts.set(title, [...(charts.get(title) ?? []), curve]);
  }
  return [...charts].map(([title, curves]) => ({ title, curves })).sort(byInterest);
}

/** First what is held against rows that were kept back: it says how good the model is. */
function byInterest(one: IChart, other: IChart): number {
  return rank(one) - rank(other);
}

function rank({ title, curves }: IChart): number {
  if (title === 'loss') {
    return 0;
  }
  return curves.some(({ label }) => label === 'validation') ? 1 : 2;
}
