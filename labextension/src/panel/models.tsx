/**
 * A registered model as a row: versions, aliases, metrics; promote and deploy.
 */
import { moveUpIcon, offlineBoltIcon } from '@jupyterlab/ui-components';
import React, { memo } from 'react';

import type { IActions } from '../actions';
import { formatBytes, formatMetrics } from '../format';
import type { Model } from '../schema';
import { Ago, IconButton } from './parts';

interface IModelProps {
  model: Model;
  actions: IActions;
}

/** Words that the filter looks through. */
export function modelWords(model: Model): string[] {
  return [model.name, model.latest.task, model.latest.dataset, ...Object.keys(model.aliases)];
}

export const ModelRow = memo(function ModelRow({ model, actions }: IModelProps): JSX.Element {
  const { id, name, latest, aliases } = model;
  return (
    <li className="aimass-Row" data-testid={`aimass-model-${id}`}>
      <div className="aimass-Row-head">
        <span className="aimass-Row-name" title={id}>
          {name}
        </span>
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
          label={`Promote ${name}`}
          testId="aimass-model-promote"
          onClick={() => void actions.run('models.promote', { model: name }, { form: true })}
        />
      )}
      {actions.may('endpoints.deploy') && (
        <IconButton
          icon={offlineBoltIcon}
          label={`Deploy ${name}`}
          testId="aimass-model-deploy"
          onClick={() => void actions.run('endpoints.deploy', { model: name }, { form: true })}
        />
      )}
    </span>
  );
}
