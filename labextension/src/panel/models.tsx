/**
 * Registered models in the panel: versions, aliases, metrics; compare, promote and deploy.
 */
import { moveUpIcon, offlineBoltIcon } from '@jupyterlab/ui-components';
import React, { memo } from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import { formatBytes, formatMetrics } from '../format';
import { trans } from '../i18n';
import type { Model } from '../schema';
import type { ISectionViewProps } from '../tokens';
import { type Choice, Choose, Chosen, useChoice } from './choosing';
import { Ago, IconButton, Name } from './parts';
import { Section } from './section';

const METRICS_SHOWN = 2;

interface IModelProps {
  model: Model;
  actions: IActions;
}

interface IRowProps extends IModelProps {
  isChosen: boolean;
  onChoose: Choice;
}

export function ModelsSection(props: ISectionViewProps): JSX.Element {
  const { actions } = props;
  const { chosen, choose } = useChoice();
  return (
    <Section
      {...props}
      title={trans.__('Models')}
      noun="models"
      list={props.aimass.models}
      words={modelWords}
      row={model => (
        <ModelRow
          key={model.id}
          model={model}
          actions={actions}
          isChosen={chosen.includes(model.id)}
          onChoose={choose}
        />
      )}
      above={
        <Chosen
          count={chosen.length}
          line={trans._n('%1 model chosen', '%1 models chosen', chosen.length, chosen.length)}
          onCompare={() => actions.open('model-comparison', chosen.join(','), trans.__('Models'))}
        />
      }
      empty={trans.__('No models yet. A job that succeeds registers one here.')}
    />
  );
}

/** Words that the filter looks through. */
function modelWords(model: Model): string[] {
  const { task, dataset, algorithm } = model.latest;
  return [model.name, task, algorithm, dataset, model.owner, ...Object.keys(model.aliases)];
}

const ModelRow = memo(function ModelRow(props: IRowProps): JSX.Element {
  const { model, actions, isChosen, onChoose } = props;
  const { id, name, latest, aliases } = model;
  return (
    <li className="aimass-Row" data-testid={`aimass-model-${id}`}>
      <div className="aimass-Row-head">
        {actions.has(CommandIDs.openPage) && (
          <Choose id={id} name={name} isChosen={isChosen} onChoose={onChoose} />
        )}
        <Name noun="models" id={id} name={name} actions={actions} />
        <span className="aimass-Version">v{latest.version}</span>
        <ModelButtons model={model} actions={actions} />
      </div>
      {Object.keys(aliases).length > 0 && (
        <div className="aimass-Row-tags">
          {Object.entries(aliases).map(([alias, version]) => (
            <span key={alias} className="aimass-Alias" data-testid="aimass-model-alias">
              {alias} → v{version}
            </span>
          ))}
        </div>
      )}
      <div className="aimass-Row-note">
        {latest.task} · {latest.dataset} · {formatBytes(latest.size_bytes)} ·{' '}
        <Ago moment={latest.created_at} />
      </div>
      <div className="aimass-Row-note" title={formatMetrics(latest.metrics)}>
        {formatMetrics(latest.metrics, METRICS_SHOWN)}
      </div>
    </li>
  );
});

export function ModelButtons({ model: { name }, actions }: IModelProps): JSX.Element {
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
