/**
 * Endpoints in the panel: the URL of each, the model behind it, its state; try it and delete it.
 */
import { deleteIcon, runIcon } from '@jupyterlab/ui-components';
import React, { memo } from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import { trans } from '../i18n';
import type { Endpoint } from '../schema';
import type { ISectionViewProps } from '../tokens';
import { Ago, CopyLine, IconButton, Name, StateBadge } from './parts';
import { Section } from './section';

interface IEndpointProps {
  endpoint: Endpoint;
  actions: IActions;
}

export function EndpointsSection(props: ISectionViewProps): JSX.Element {
  const { aimass, actions } = props;
  return (
    <Section
      {...props}
      title={trans.__('Endpoints')}
      noun="endpoints"
      list={aimass.endpoints}
      words={({ name, state, model }) => [name, state, model]}
      row={endpoint => <EndpointRow key={endpoint.id} endpoint={endpoint} actions={actions} />}
      empty={trans.__('No endpoints yet. Serve a model at a URL of its own:')}
      examples={aimass.api.operations.get('endpoints.deploy')?.examples.slice(0, 1)}
    />
  );
}

const EndpointRow = memo(function EndpointRow(props: IEndpointProps): JSX.Element {
  const { id, name, state, model, message, url, deployed_at } = props.endpoint;
  return (
    <li className="aimass-Row" data-testid={`aimass-endpoint-${id}`} data-state={state}>
      <div className="aimass-Row-head">
        <Name noun="endpoints" id={id} name={name} actions={props.actions} />
        <EndpointButtons {...props} />
      </div>
      <div className="aimass-Row-note">
        <StateBadge state={state} /> · {model} · <Ago moment={deployed_at} />
      </div>
      {message && <div className="aimass-Row-cause">{message}</div>}
      <CopyLine text={url} onCopy={text => props.actions.copy(text)} />
    </li>
  );
});

export function EndpointButtons({ endpoint: { name }, actions }: IEndpointProps): JSX.Element {
  const question = trans.__('Delete endpoint “%1”? Programs that use its URL will fail.', name);
  const confirm = { question, verb: trans.__('Delete') };
  return (
    <span className="aimass-Row-buttons">
      {actions.may('endpoints.predict') && actions.has(CommandIDs.tryEndpoint) && (
        <IconButton
          icon={runIcon}
          label={trans.__('Try %1', name)}
          word={trans.__('Try')}
          testId="aimass-endpoint-try"
          onClick={() => actions.execute(CommandIDs.tryEndpoint, { endpoint: name })}
        />
      )}
      {actions.may('endpoints.delete') && (
        <IconButton
          icon={deleteIcon}
          label={trans.__('Delete %1', name)}
          word={trans.__('Delete')}
          testId="aimass-endpoint-delete"
          onClick={() => void actions.run('endpoints.delete', { endpoint: name }, { confirm })}
        />
      )}
    </span>
  );
}
