/**
 * An endpoint as a row: its URL, the model behind it, its state; try it and delete it.
 */
import { deleteIcon, runIcon } from '@jupyterlab/ui-components';
import React, { memo } from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import type { Endpoint } from '../schema';
import { Ago, CopyLine, IconButton, StateBadge } from './parts';

interface IEndpointProps {
  endpoint: Endpoint;
  actions: IActions;
}

/** Words that the filter looks through. */
export function endpointWords(endpoint: Endpoint): string[] {
  return [endpoint.name, endpoint.state, endpoint.model];
}

export const EndpointRow = memo(function EndpointRow(props: IEndpointProps): JSX.Element {
  const { id, name, state, model, message, url, deployed_at } = props.endpoint;
  return (
    <li className="aimass-Row" data-testid={`aimass-endpoint-${id}`} data-state={state}>
      <div className="aimass-Row-head">
        <StateBadge state={state} />
        <span className="aimass-Row-name" title={id}>
          {name}
        </span>
        <EndpointButtons {...props} />
      </div>
      <div className="aimass-Row-note">
        {model} · <Ago moment={deployed_at} />
      </div>
      {message && <div className="aimass-Row-cause">{message}</div>}
      <CopyLine text={url} onCopy={text => props.actions.copy(text)} />
    </li>
  );
});

function EndpointButtons({ endpoint: { name }, actions }: IEndpointProps): JSX.Element {
  const question = `Delete endpoint '${name}'? Programs that use its URL will fail.`;
  return (
    <span className="aimass-Row-buttons">
      {actions.may('endpoints.predict') && actions.has(CommandIDs.tryEndpoint) && (
        <IconButton
          icon={runIcon}
          label={`Try ${name}`}
          testId="aimass-endpoint-try"
          onClick={() => actions.execute(CommandIDs.tryEndpoint, { endpoint: name })}
        />
      )}
      {actions.may('endpoints.delete') && (
        <IconButton
          icon={deleteIcon}
          label={`Delete ${name}`}
          testId="aimass-endpoint-delete"
          onClick={() =>
            void actions.run('endpoints.delete', { endpoint: name }, { confirm: question })
          }
        />
      )}
    </span>
  );
}
