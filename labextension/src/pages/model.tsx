/**
 * A registered model as a page: its versions side by side, each to promote, deploy or download, and
 * what goes in and comes out.
 */
import { downloadIcon, moveUpIcon, offlineBoltIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { IActions } from '../actions';
import { formatBytes, formatNumber, metricName } from '../format';
import { trans } from '../i18n';
import { useAnswer } from '../panel/hooks';
import { Ago, IconButton } from '../panel/parts';
import { useNewest } from '../panel/waiting';
import type { ModelDetail, ModelVersion, TensorSpec } from '../schema';
import type { IPageViewProps } from '../tokens';
import { Answered, Facts, formatValue, Head, Table } from './parts';

export function ModelPage({ id, aimass, actions }: IPageViewProps): JSX.Element {
  const sequence = useNewest(aimass, 'models');
  const answer = useAnswer(() => aimass.api.call('models.show', { model: id }), [id, sequence]);
  return (
    <Answered answer={answer}>{model => <ModelView model={model} actions={actions} />}</Answered>
  );
}

function ModelView({ model, actions }: { model: ModelDetail; actions: IActions }): JSX.Element {
  const { name, latest, history, owner } = model;
  const metrics = [...new Set(history.flatMap(version => Object.keys(version.metrics)))];
  const { signature } = latest;
  return (
    <>
      <Head name={name} mark={<span className="aimass-Version">v{latest.version}</span>} />
      <Facts
        facts={[
          [trans.__('Task'), latest.task],
          [trans.__('Algorithm'), latest.algorithm],
          [trans.__('Owner'), owner]
        ]}
      />
      <h3>{trans.__('Versions')}</h3>
      <Table
        label={trans.__('Versions')}
        columns={[
          trans.__('Version'),
          trans.__('Aliases'),
          ...metrics.map(metricName),
          trans.__('Dataset'),
          trans.__('Size'),
          trans.__('Made'),
          ''
        ]}
        rows={history.map(version => [
          `v${version.version}`,
          aliasesOf(model, version),
          ...metrics.map(metric => metricOf(version, metric)),
          version.dataset,
          formatBytes(version.size_bytes),
          <Ago key="made" moment={version.created_at} />,
          <Buttons key="buttons" name={name} version={version} actions={actions} />
        ])}
      />
      <h3>{trans.__('What goes in, what comes out')}</h3>
      <Table
        label={trans.__('Signature')}
        columns={[trans.__('Name'), '', trans.__('Type'), trans.__('Shape'), trans.__('Example')]}
        rows={[
          ...signature.inputs.map(spec =>
            specRow(spec, trans.__('in'), formatValue(signature.example[spec.name]))
          ),
          ...signature.outputs.map(spec => specRow(spec, trans.__('out'), ''))
        ]}
      />
    </>
  );
}

function aliasesOf({ aliases }: ModelDetail, { version }: ModelVersion): string {
  return Object.keys(aliases)
    .filter(alias => aliases[alias] === version)
    .join(', ');
}

function metricOf({ metrics }: ModelVersion, name: string): string {
  return name in metrics ? formatNumber(metrics[name]) : '';
}

function specRow(spec: TensorSpec, way: string, example: string): React.ReactNode[] {
  const { name, datatype, shape } = spec;
  const cut = <span className="aimass-Cut">{example}</span>;
  return [name, way, datatype, shape.map(size => (size < 0 ? 'n' : size)).join(' × '), cut];
}

interface IButtonsProps {
  name: string;
  version: ModelVersion;
  actions: IActions;
}

function Buttons({ name, version, actions }: IButtonsProps): JSX.Element {
  const model = `${name}@${version.version}`;
  return (
    <span className="aimass-Row-buttons">
      {actions.may('models.promote') && (
        <IconButton
          icon={moveUpIcon}
          label={trans.__('Promote %1', model)}
          testId="aimass-version-promote"
          onClick={() => void actions.run('models.promote', { model }, { form: true })}
        />
      )}
      {actions.may('endpoints.deploy') && (
        <IconButton
          icon={offlineBoltIcon}
          label={trans.__('Deploy %1', model)}
          testId="aimass-version-deploy"
          onClick={() => void actions.run('endpoints.deploy', { model }, { form: true })}
        />
      )}
      {actions.may('models.download') && (
        <IconButton
          icon={downloadIcon}
          label={trans.__('Download %1', model)}
          testId="aimass-version-download"
          onClick={() => void actions.run('models.download', { model })}
        />
      )}
    </span>
  );
}
