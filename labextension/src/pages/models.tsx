/**
 * Registered models side by side: what each is made from, what it can do, how large it is. Their
 * newest versions are compared; the best of a metric is not guessed, as not all grow when better.
 */
import React from 'react';

import type { IActions } from '../actions';
import { formatBytes, formatNumber, metricName } from '../format';
import { trans } from '../i18n';
import { useAnswer } from '../panel/hooks';
import { ModelButtons } from '../panel/models';
import { Ago, Name } from '../panel/parts';
import { useNewest } from '../panel/waiting';
import type { ModelDetail } from '../schema';
import type { IPageViewProps } from '../tokens';
import { Answered, Head, Table } from './parts';

/** Its id is the ids of the models, with commas between them. */
export function ModelComparisonPage({ id, aimass, actions }: IPageViewProps): JSX.Element {
  const sequence = useNewest(aimass, 'models');
  const answer = useAnswer(
    () => Promise.all(id.split(',').map(model => aimass.api.call('models.show', { model }))),
    [id, sequence]
  );
  return (
    <Answered answer={answer}>{models => <Models models={models} actions={actions} />}</Answered>
  );
}

function Models({ models, actions }: { models: ModelDetail[]; actions: IActions }): JSX.Element {
  return (
    <>
      <Head name={trans._n('%1 model', '%1 models side by side', models.length, models.length)} />
      <Table
        label={trans.__('Models side by side')}
        columns={[
          '',
          ...models.map(({ id, name }) => (
            <Name key={id} noun="models" id={id} name={name} actions={actions} />
          ))
        ]}
        rows={[...facts(models), ...metrics(models), buttons(models, actions)]}
      />
    </>
  );
}

function facts(models: ModelDetail[]): React.ReactNode[][] {
  const row = (name: string, value: (model: ModelDetail) => React.ReactNode) => [
    name,
    ...models.map(value)
  ];
  return [
    row(trans.__('Version'), ({ latest }) => `v${latest.version}`),
    row(trans.__('Aliases'), ({ aliases }) => aliasesOf(aliases)),
    row(trans.__('Task'), ({ latest }) => latest.task),
    row(trans.__('Algorithm'), ({ latest }) => latest.algorithm),
    row(trans.__('Dataset'), ({ latest }) => latest.dataset),
    row(trans.__('Size'), ({ latest }) => formatBytes(latest.size_bytes)),
    row(trans.__('Owner'), ({ owner }) => owner),
    row(trans.__('Made'), ({ latest }) => <Ago moment={latest.created_at} />)
  ];
}

function aliasesOf(aliases: ModelDetail['aliases']): string {
  return Object.entries(aliases)
    .map(([alias, version]) => `${alias} → v${version}`)
    .join(', ');
}

/** A row for each metric that one of them has. */
function metrics(models: ModelDetail[]): React.ReactNode[][] {
  const names = new Set(models.flatMap(({ latest }) => Object.keys(latest.metrics)));
  return [...names].map(name => [
    metricName(name),
    ...models.map(({ latest }) =>
      name in latest.metrics ? formatNumber(latest.metrics[name]) : '–'
    )
  ]);
}

function buttons(models: ModelDetail[], actions: IActions): React.ReactNode[] {
  return ['', ...models.map(model => <ModelButtons key={model.id} {...{ model, actions }} />)];
}
