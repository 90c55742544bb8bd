/**
 * The numbers beside a chart: round ones, few enough to be read.
 */

export interface IRange {
  readonly low: number;
  readonly high: number;
}

/** What values span; one that stands alone gets room around it. Null when there are none. */
export function rangeOf(values: readonly number[]): IRange | null {
  if (values.length === 0) {
    return null;
  }
  const low = values.reduce((one, other) => Math.min(one, other));
  const high = values.reduce((one, other) => Math.max(one, other));
  const room = low === high ? Math.abs(low) / 10 || 0.5 : 0;
  return { low: low - room, high: high + room };
}

/** Round numbers within a range: steps of 1, 2 or 5 times a power of ten, at most so many. */
export function ticksOf({ low, high }: IRange, most: number): number[] {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(times => times * power).find(size => size >= rough) ?? rough;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const count = Math.max(0, last - first + 1);
  return Array.from({ length: count }, (_, index) =>
    Number(((first + index) * step).toPrecision(12))
  );
}

/** A number that fits beside the axis. */
export function shortNumber(value: number): string {
  const small = value !== 0 && Math.abs(value) < 0.001;
  return small || Math.abs(value) >= 1e6
    ? value.toExponential(1).replace('.0e', 'e').replace('e+', 'e')
    : String(Number(value.toPrecision(3)));
}
