/**
 * A published notebook as a row: open it, stop it, see why it failed.
 */
import { stopIcon } from '@jupyterlab/ui-components';
import React, { memo } from 'react';

import type { IActions } from '../actions';
import type { Service } from '../schema';
import { Ago, IconButton, StateBadge, WebLink } from './parts';

interface IServiceProps {
  service: Service;
  actions: IActions;
}

/** Words that the filter looks through. */
export function serviceWords(service: Service): string[] {
  return [service.name, service.state, service.notebook];
}

export const ServiceRow = memo(function ServiceRow(props: IServiceProps): JSX.Element {
  const { id, name, state, notebook, version, message, url, published_at } = props.service;
  return (
    <li className="aimass-Row" data-testid={`aimass-service-${id}`} data-state={state}>
      <div className="aimass-Row-head">
        <StateBadge state={state} />
        <span className="aimass-Row-name" title={id}>
          {state === 'ready' ? (
            <WebLink url={url} text={name} testId="aimass-service-open" />
          ) : (
            name
          )}
        </span>
        <ServiceButtons {...props} />
      </div>
      <div className="aimass-Row-note">
        {notebook}
        {version > 0 && ` · v${version}`} · <Ago moment={published_at} />
      </div>
      {message && <div className="aimass-Row-cause">{message}</div>}
    </li>
  );
});

function ServiceButtons({ service, actions }: IServiceProps): JSX.Element {
  const { id, name, state } = service;
  const question = `Stop service '${name}'? Its page closes for everybody.`;
  const stoppable = (state === 'ready' || state === 'starting') && actions.may('services.stop');
  return (
    <span className="aimass-Row-buttons">
      {stoppable && (
        <IconButton
          icon={stopIcon}
          label={`Stop ${name}`}
          testId="aimass-service-stop"
          onClick={() => void actions.run('services.stop', { service: id }, { confirm: question })}
        />
      )}
    </span>
  );
}
