/**
 * Runs side by side: their curves in the same charts, the parameters that differ, their metrics.
 */
import React from 'react';

import type { RequestOf } from '../api';
import { formatNumber } from '../format';
import { trans } from '../i18n';
import { useAnswer } from '../panel/hooks';
import { useNewest } from '../panel/waiting';
import type { Comparison } from '../schema';
import type { IPageViewProps } from '../tokens';
import { Charts, type IChart } from './chart';
import { Answered, formatValue, Head, Table } from './parts';

const MOST_POINTS = 500;

/** Its id is the ids of the runs, with commas between them. */
export function ComparisonPage({ id, aimass }: IPageViewProps): JSX.Element {
  const sequence = useNewest(aimass, 'jobs');
  const answer = useAnswer(
    () => aimass.api.call('runs.compare', { runs: runsOf(id), max_points: MOST_POINTS }),
    [id, sequence]
  );
  return (
    <Answered answer={answer}>{comparison => <ComparisonView comparison={comparison} />}</Answered>
  );
}

function runsOf(id: string): RequestOf<'runs.compare'>['runs'] {
  // As many as the server takes; the schema writes them out one by one.
  return id.split(',') as RequestOf<'runs.compare'>['runs'];
}

function ComparisonView({ comparison }: { comparison: Comparison }): JSX.Element {
  const { params, metrics, best } = comparison;
  const names = namesOf(comparison);
  const columns = ['', ...names];
  return (
    <>
      <Head name={trans._n('%1 run', '%1 runs side by side', names.length, names.length)} />
      <Charts charts={chartsOf(comparison, names)} />
      <h3>{trans.__('Parameters that differ')}</h3>
      <Table
        label={trans.__('Parameters that differ')}
        columns={columns}
        rows={Object.entries(params).map(([name, values]) => [name, ...values.map(formatValue)])}
      />
      <h3>{trans.__('Metrics: newest (best)')}</h3>
      <Table
        label={trans.__('Metrics')}
        columns={columns}
        rows={Object.entries(metrics).map(([name, values]) => [
          name,
          ...values.map((value, index) => pair(value, best[name]?.[index]))
        ])}
      />
    </>
  );
}

/** The names of the runs, told apart where two have the same. */
function namesOf({ runs }: Comparison): string[] {
  const names = runs.map(({ run }) => run.name);
  return runs.map(({ run }, index) =>
    names.indexOf(run.name) === names.lastIndexOf(run.name)
      ? run.name
      : `${names[index]} …${run.id.slice(-4)}`
  );
}

/** One chart a curve's name, with a line a run. */
function chartsOf({ runs }: Comparison, names: string[]): IChart[] {
  const all = runs.flatMap(({ curves }) => curves.series.map(({ tag }) => tag));
  const tags = [...new Set(all)].filter(tag => !tag.startsWith('progress/'));
  return tags.map(tag => ({
    title: tag,
    curves: runs.flatMap(({ curves }, index) =>
      curves.series
        .filter(each => each.tag === tag)
        .map(({ steps, values }) => ({ label: names[index], steps, values }))
    )
  }));
}

/** What a metric was last, with the best of it in brackets where that was another. */
export function pair(newest: number | null | undefined, best: number | null | undefined): string {
  const text = newest == null ? '' : formatNumber(newest);
  return best == null || best === newest ? text : `${text} (${formatNumber(best)})`;
}
