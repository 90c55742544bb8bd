/**
 * Published notebooks in the panel: open one, read its log, stop it, see why it failed.
 */
import { stopIcon, textEditorIcon } from '@jupyterlab/ui-components';
import React, { memo } from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import { trans } from '../i18n';
import type { Service } from '../schema';
import type { ISectionViewProps } from '../tokens';
import { Ago, IconButton, Name, StateBadge, WebLink } from './parts';
import { Section } from './section';

interface IServiceProps {
  service: Service;
  actions: IActions;
}

export function ServicesSection(props: ISectionViewProps): JSX.Element {
  const { aimass, actions } = props;
  return (
    <Section
      {...props}
      title={trans.__('Services')}
      noun="services"
      list={aimass.services}
      words={({ name, state, notebook }) => [name, state, notebook]}
      row={service => <ServiceRow key={service.id} service={service} actions={actions} />}
      empty={trans.__('No services yet. Publish a notebook from its toolbar, or:')}
      examples={aimass.api.operations.get('services.publish')?.examples.slice(0, 1)}
    />
  );
}

const ServiceRow = memo(function ServiceRow(props: IServiceProps): JSX.Element {
  const { id, name, state, notebook, version, message, url, published_at } = props.service;
  return (
    <li className="aimass-Row" data-testid={`aimass-service-${id}`} data-state={state}>
      <div className="aimass-Row-head">
        <Name noun="services" id={id} name={name} actions={props.actions} />
        {state === 'ready' && (
          <WebLink url={url} text={trans.__('Open')} testId="aimass-service-open" />
        )}
        <ServiceButtons {...props} />
      </div>
      <div className="aimass-Row-note">
        <StateBadge state={state} /> · {notebook}
        {version > 0 && ` · v${version}`} · <Ago moment={published_at} />
      </div>
      {message && <div className="aimass-Row-cause">{message}</div>}
    </li>
  );
});

export function ServiceButtons({ service, actions }: IServiceProps): JSX.Element {
  const { id, name, state } = service;
  const question = trans.__('Stop service “%1”? Its page closes for everybody.', name);
  const confirm = { question, verb: trans.__('Stop') };
  const stoppable = (state === 'ready' || state === 'starting') && actions.may('services.stop');
  return (
    <span className="aimass-Row-buttons">
      {actions.may('services.logs') && actions.has(CommandIDs.openLog) && (
        <IconButton
          icon={textEditorIcon}
          label={trans.__('Open the log of %1', name)}
          testId="aimass-service-log"
          onClick={() => actions.execute(CommandIDs.openLog, { service: id, name })}
        />
      )}
      {stoppable && (
        <IconButton
          icon={stopIcon}
          label={trans.__('Stop %1', name)}
          testId="aimass-service-stop"
          onClick={() => void actions.run('services.stop', { service: id }, { confirm })}
        />
      )}
    </span>
  );
}
