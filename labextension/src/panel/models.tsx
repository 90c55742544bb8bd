/**
 * Registered models in the panel: versions, aliases, metrics; promote and deploy.
 */
import { moveUpIcon, offlineBoltIcon } from '@jupyterlab/ui-components';
import React, { memo } from 'react';

import type { IActions } from '../actions';
import { formatBytes, formatMetrics } from '../format';
import { trans } from '../i18n';
import type { Model } from '../schema';
import type { ISectionViewProps } from '../tokens';
import { Ago, IconButton, Name } from './parts';
import { Section } from './section';

interface IModelProps {
  model: Model;
  actions: IActions;
}

export function ModelsSection(props: ISectionViewProps): JSX.Element {
  return (
    <Section
      {...props}
      title={trans.__('Models')}
      noun="models"
      list={props.aimass.models}
      words={modelWords}
      row={model => <ModelRow key={model.id} model={model} actions={props.actions} />}
      empty={trans.__('No models yet. A job that succeeds registers one here.')}
    />
  );
}

/** Words that the filter looks through. */
function modelWords(model: Model): string[] {
  return [model.name, model.latest.task, model.latest.dataset, ...Object.keys(model.aliases)];
}

const ModelRow = memo(function ModelRow({ model, actions }: IModelProps): JSX.Element {
  const { id, name, latest, aliases } = model;
  return (
    <li className="aimass-Row" data-testid={`aimass-model-${id}`}>
      <div className="aimass-Row-head">
        <Name noun="models" id={id} name={name} actions={actions} />
        <span className="aimass-Version">v{latest.version}</span>
        {Object.entries(aliases).map(([alias, version]) => (
          <span key={alias} className="aimass-Alias" data-testid="aimass-model-alias">
            {alias} → v{version}
          </span>
        ))}
        <ModelButtons model={model} actions={actions} />
      </div>
      <div className="aimass-Row-note">
        {latest.task} · {latest.dataset} · {formatBytes(latest.size_bytes)} ·{' '}
        <Ago moment={latest.created_at} />
      </div>
      <div className="aimass-Row-note">{formatMetrics(latest.metrics)}</div>
    </li>
  );
});

function ModelButtons({ model: { name }, actions }: IModelProps): JSX.Element {
  return (
    <span className="aimass-Row-buttons">
      {actions.may('models.promote') && (
        <IconButton
          icon={moveUpIcon}
          label={trans.__('Promote %1', name)}
          testId="aimass-model-promote"
          onClick={() => void actions.run('models.promote', { model: name }, { form: true })}
        />
      )}
      {actions.may('endpoints.deploy') && (
        <IconButton
          icon={offlineBoltIcon}
          label={trans.__('Deploy %1', name)}
          testId="aimass-model-deploy"
          onClick={() => void actions.run('endpoints.deploy', { model: name }, { form: true })}
        />
      )}
    </span>
  );
}
