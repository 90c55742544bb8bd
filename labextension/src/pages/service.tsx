/**
 * A published notebook as a page: where viewers open it, and which version they see.
 */
import React from 'react';

import type { IActions } from '../actions';
import { trans } from '../i18n';
import { useAnswer } from '../panel/hooks';
import { Ago, CopyLine, StateBadge, WebLink } from '../panel/parts';
import { ServiceButtons } from '../panel/services';
import { useNewest } from '../panel/waiting';
import type { Service } from '../schema';
import type { IPageViewProps } from '../tokens';
import { Answered, Facts, Head } from './parts';

interface IServiceProps {
  service: Service;
  actions: IActions;
}

export function ServicePage({ id, aimass, actions }: IPageViewProps): JSX.Element {
  const sequence = useNewest(aimass, 'services');
  const answer = useAnswer(() => aimass.api.call('services.show', { service: id }), [id, sequence]);
  return (
    <Answered answer={answer}>
      {service => <ServiceView service={service} actions={actions} />}
    </Answered>
  );
}

function ServiceView({ service, actions }: IServiceProps): JSX.Element {
  const { name, state, message, notebook, version, owner } = service;
  return (
    <>
      <Head name={name} mark={<StateBadge state={state} />}>
        <ServiceButtons service={service} actions={actions} />
      </Head>
      {message && (
        <div className="aimass-Down" role="alert" data-testid="aimass-page-cause">
          <p>{message}</p>
        </div>
      )}
      <Facts
        facts={[
          [trans.__('Notebook'), notebook],
          [trans.__('Version'), version > 0 ? `v${version}` : null],
          [trans.__('Owner'), owner],
          [trans.__('Published'), <Ago key="published" moment={service.published_at} />],
          [trans.__('First made'), <Ago key="made" moment={service.created_at} />]
        ]}
      />
      {state === 'ready' && <Address url={service.url} actions={actions} />}
    </>
  );
}

function Address({ url, actions }: { url: string; actions: IActions }): JSX.Element {
  return (
    <>
      <h3>{trans.__('Where viewers open it')}</h3>
      <p>
        <WebLink url={url} text={trans.__('Open the page')} testId="aimass-page-service-open" />
      </p>
      <CopyLine text={url} onCopy={text => actions.copy(text)} />
      <p className="aimass-Row-note">
        {trans.__('Whoever has this address may look: it carries the token that lets viewers in.')}
      </p>
    </>
  );
}
