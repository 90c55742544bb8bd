/**
 * A dataset as a page: its columns and what is in them, and its first rows.
 */
import React from 'react';

import type { IActions } from '../actions';
import { formatBytes, formatNumber } from '../format';
import { trans } from '../i18n';
import { DatasetButtons } from '../panel/datasets';
import { useAnswer } from '../panel/hooks';
import { useNewest } from '../panel/waiting';
import type { Column, Dataset } from '../schema';
import type { IPageViewProps } from '../tokens';
import { Answered, Facts, formatValue, Head, Table } from './parts';

/** Longer values (images) are cut in the table of the first rows. */
const MOST_CHARACTERS = 80;

export function DatasetPage({ id, aimass, actions }: IPageViewProps): JSX.Element {
  const sequence = useNewest(aimass, 'datasets');
  const answer = useAnswer(() => aimass.api.call('datasets.show', { dataset: id }), [id, sequence]);
  return (
    <Answered answer={answer}>
      {dataset => <DatasetView dataset={dataset} actions={actions} />}
    </Answered>
  );
}

function DatasetView({ dataset, actions }: { dataset: Dataset; actions: IActions }): JSX.Element {
  const { name, latest, description, tags, owner } = dataset;
  const names = latest.columns.map(column => column.name);
  return (
    <>
      <Head name={name} mark={<span className="aimass-Version">v{latest.version}</span>}>
        <DatasetButtons dataset={dataset} actions={actions} />
      </Head>
      {description && <p>{description}</p>}
      <Facts
        facts={[
          [trans.__('Rows'), latest.rows.toLocaleString()],
          [trans.__('Size'), formatBytes(latest.size_bytes)],
          [trans.__('Learns'), latest.label && `${latest.label} (${latest.task ?? ''})`],
          [trans.__('From'), latest.source],
          [trans.__('Tags'), tags.join(', ')],
          [trans.__('Owner'), owner],
          [trans.__('Digest'), latest.digest]
        ]}
      />
      <h3>{trans.__('Columns')}</h3>
      <Table
        label={trans.__('Columns')}
        columns={[
          trans.__('Name'),
          trans.__('Kind'),
          trans.__('Type'),
          trans.__('Missing'),
          trans.__('Distinct'),
          trans.__('From'),
          trans.__('To')
        ]}
        rows={latest.columns.map(columnRow)}
      />
      <h3>{trans.__('First rows')}</h3>
      <Table
        label={trans.__('First rows')}
        columns={['', ...names]}
        rows={latest.preview.map((row, index) => [
          index + 1,
          ...names.map(column => formatValue(row[column]).slice(0, MOST_CHARACTERS))
        ])}
      />
    </>
  );
}

function columnRow(column: Column): React.ReactNode[] {
  const { name, kind, type, shape, missing, distinct, minimum, maximum } = column;
  const number = (value: number | null | undefined) => (value == null ? '' : formatNumber(value));
  const size = shape ? ` ${shape.join(' × ')}` : '';
  return [name, kind, type + size, missing, distinct ?? '', number(minimum), number(maximum)];
}
