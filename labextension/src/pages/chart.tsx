/**
 * Curves over steps as a drawing that follows the theme: thinned to what can be seen, with every
 * peak kept; a value that is no number leaves a gap. Under the pointer the legend reads the values.
 */
import React, { useMemo, useState } from 'react';

import { formatNumber } from '../format';
import { trans } from '../i18n';

export interface ICurve {
  readonly label: string;
  readonly steps: readonly number[];
  readonly values: readonly (number | null)[];
}

interface IRange {
  readonly low: number;
  readonly high: number;
}

const WIDTH = 480;
const HEIGHT = 180;
const LEFT = 52;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;
const COLOURS = 6;
const BUCKETS = WIDTH - LEFT - RIGHT;

interface IChartProps {
  title: string;
  curves: ICurve[];
  /** What a step is called at the end of the axis. */
  format?: (step: number) => string;
}

export function Chart({ title, curves, format = stepOf }: IChartProps): JSX.Element {
  const [at, setAt] = useState<number | null>(null);
  const thinned = useMemo(() => curves.map(thin), [curves]);
  const x = rangeOf(thinned.flatMap(({ steps }) => steps));
  const y = rangeOf(thinned.flatMap(({ values }) => values.filter(value => value !== null)));
  if (!x || !y) {
    return (
      <p className="aimass-Empty">{trans.__('%1 has no point that can be drawn yet.', title)}</p>
    );
  }
  const point = (event: React.PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * WIDTH;
    setAt(x.low + ((place - LEFT) / BUCKETS) * (x.high - x.low));
  };
  return (
    <figure className="aimass-Chart" data-testid={`aimass-chart-${title}`}>
      <figcaption>{title}</figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={describe(title, curves)}
        onPointerMove={point}
        onPointerLeave={() => setAt(null)}
      >
        <Frame x={x} y={y} format={format} />
        {thinned.map((curve, index) => (
          <path key={curve.label} d={pathOf(curve, x, y)} data-colour={index % COLOURS} />
        ))}
        {at !== null && (
          <line x1={across(at, x)} x2={across(at, x)} y1={TOP} y2={HEIGHT - BOTTOM} />
        )}
      </svg>
      <Legend curves={curves} at={at} />
    </figure>
  );
}

function stepOf(step: number): string {
  return trans.__('step %1', step);
}

interface IFrameProps {
  x: IRange;
  y: IRange;
  format: (step: number) => string;
}

function Frame({ x, y, format }: IFrameProps): JSX.Element {
  const bottom = HEIGHT - BOTTOM;
  return (
    <>
      <rect x={LEFT} y={TOP} width={BUCKETS} height={bottom - TOP} />
      <text x={LEFT - 4} y={TOP + 8} textAnchor="end">
        {short(y.high)}
      </text>
      <text x={LEFT - 4} y={bottom} textAnchor="end">
        {short(y.low)}
      </text>
      <text x={LEFT} y={HEIGHT - 6}>
        {x.low}
      </text>
      <text x={WIDTH - RIGHT} y={HEIGHT - 6} textAnchor="end">
        {format(x.high)}
      </text>
    </>
  );
}

/** A number that fits beside the axis. */
function short(value: number): string {
  const small = value !== 0 && Math.abs(value) < 0.001;
  return small || Math.abs(value) >= 1e6
    ? value.toExponential(1)
    : String(Number(value.toPrecision(3)));
}

/** The newest value of each curve, or the one at a step. */
function Legend({ curves, at }: { curves: ICurve[]; at: number | null }): JSX.Element {
  return (
    <ul>
      {curves.map((curve, index) => (
        <li key={curve.label}>
          <span data-colour={index % COLOURS} aria-hidden />
          {curve.label} <b>{valueAt(curve, at)}</b>
        </li>
      ))}
    </ul>
  );
}

function valueAt({ steps, values }: ICurve, at: number | null): string {
  const later = at === null ? -1 : steps.findIndex(step => step >= at);
  const index = later < 0 ? values.length - 1 : later;
  return index < 0 ? '' : formatNumber(values[index]);
}

/** What somebody hears who does not see it. */
function describe(title: string, curves: ICurve[]): string {
  const told = curves.map(({ label, values }) => {
    const known = values.filter(value => value !== null);
    const [first, last] = [known[0], known[known.length - 1]].map(v => formatNumber(v ?? null));
    return trans.__('%1 from %2 to %3', label, first, last);
  });
  return `${title}: ${told.join(', ')}`;
}

function rangeOf(values: readonly number[]): IRange | null {
  if (values.length === 0) {
    return null;
  }
  const low = values.reduce((one, other) => Math.min(one, other));
  const high = values.reduce((one, other) => Math.max(one, other));
  return low === high ? { low: low - 0.5, high: high + 0.5 } : { low, high };
}

function across(step: number, { low, high }: IRange): number {
  return LEFT + ((step - low) / (high - low)) * BUCKETS;
}

function pathOf({ steps, values }: ICurve, x: IRange, y: IRange): string {
  let pen = 'M';
  return values
    .map((value, index) => {
      if (value === null) {
        pen = 'M';
        return '';
      }
      const down = TOP + (1 - (value - y.low) / (y.high - y.low)) * (HEIGHT - TOP - BOTTOM);
      const part = `${pen}${across(steps[index], x).toFixed(1)} ${down.toFixed(1)}`;
      // A point that stands alone is a line without length, which is drawn as a dot.
      const dot = pen === 'M' ? 'h0' : '';
      pen = 'L';
      return part + dot;
    })
    .join('');
}

/** Of each stretch that is one pixel wide: its lowest, its highest and a gap, in their order. */
export function thin(curve: ICurve): ICurve {
  const { values } = curve;
  if (values.length <= 2 * BUCKETS) {
    return curve;
  }
  const width = values.length / BUCKETS;
  const kept = new Set<number>([0, values.length - 1]);
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    extremes(values, Math.floor(bucket * width), Math.floor((bucket + 1) * width)).forEach(index =>
      kept.add(index)
    );
  }
  const order = [...kept].sort((one, other) => one - other);
  return {
    label: curve.label,
    steps: order.map(index => curve.steps[index]),
    values: order.map(index => values[index])
  };
}

function extremes(values: readonly (number | null)[], from: number, to: number): number[] {
  let [low, high, gap] = [-1, -1, -1];
  for (let index = from; index < to; index++) {
    const value = values[index];
    if (value === null) {
      gap = index;
      continue;
    }
    low = low < 0 || value < values[low]! ? index : low;
    high = high < 0 || value > values[high]! ? index : high;
  }
  return [low, high, gap].filter(index => index >= 0);
}
