/**
 * The course of a running job's first curve as a small line: what was before is read once, what
 * comes is taken from the progress that the stream tells anyway.
 */
import React, { useEffect, useState } from 'react';

import { headline } from '../format';
import { trans } from '../i18n';
import type { Job } from '../schema';
import type { IAimass } from '../tokens';

const WIDTH = 64;
const HEIGHT = 18;
const MOST_POINTS = 128;

interface ITrendProps {
  job: Job;
  aimass: IAimass;
}

export function Trend({ job, aimass }: ITrendProps): JSX.Element | null {
  const [tag] = Object.keys(headline(job.progress.metrics));
  const points = useCourse(aimass, job, tag);
  const line = pathOf(points);
  if (!line) {
    return null;
  }
  return (
    <svg
      className="aimass-Trend"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={trans.__('Course of %1', tag)}
      data-testid="aimass-trend"
    >
      <path d={line} />
    </svg>
  );
}

function useCourse(aimass: IAimass, job: Job, tag: string | undefined): readonly number[] {
  const [points, setPoints] = useState<readonly number[]>([]);
  const newest = tag === undefined ? undefined : job.progress.metrics[tag];
  useEffect(() => {
    let current = true;
    if (tag !== undefined) {
      // Without what was before, the line begins now.
      void before(aimass, job.id, tag)
        .catch((): number[] => [])
        .then(old => current && setPoints(since => thin([...old, ...since])));
    }
    return () => {
      current = false;
      setPoints([]);
    };
  }, [aimass, job.id, tag]);
  useEffect(() => {
    if (typeof newest === 'number') {
      setPoints(old => (old[old.length - 1] === newest ? old : thin([...old, newest])));
    }
  }, [newest]);
  return points;
}

async function before(aimass: IAimass, run: string, tag: string): Promise<number[]> {
  const { series } = await aimass.api.call('runs.metrics', { run, max_points: MOST_POINTS / 2 });
  const values = series.find(each => each.tag === tag)?.values ?? [];
  return values.filter((value): value is number => value !== null);
}

/** Leave every second point out while there are too many; the newest stays. */
function thin(points: readonly number[]): readonly number[] {
  return points.length <= MOST_POINTS
    ? points
    : points.filter((_, index) => (points.length - 1 - index) % 2 === 0);
}

/** The points as a path; nothing while there is no line to draw. */
export function pathOf(points: readonly number[]): string {
  if (points.length < 2) {
    return '';
  }
  const lowest = Math.min(...points);
  const range = Math.max(...points) - lowest || 1;
  const x = (index: number) => ((index * (WIDTH - 2)) / (points.length - 1) + 1).toFixed(1);
  const y = (value: number) => (HEIGHT - 2 - ((value - lowest) / range) * (HEIGHT - 4)).toFixed(1);
  return points.map((value, index) => `${index ? 'L' : 'M'}${x(index)} ${y(value)}`).join('');
}
