/**
 * An endpoint as a page: where it is, what answers behind it, how to ask it from a program.
 */
import React from 'react';

import type { IActions } from '../actions';
import { trans } from '../i18n';
import { EndpointButtons } from '../panel/endpoints';
import { useAnswer } from '../panel/hooks';
import { Ago, CopyLine, StateBadge } from '../panel/parts';
import { useNewest } from '../panel/waiting';
import type { Endpoint } from '../schema';
import type { IPageViewProps } from '../tokens';
import { Answered, Facts, Head } from './parts';

export function EndpointPage({ id, aimass, actions }: IPageViewProps): JSX.Element {
  const sequence = useNewest(aimass, 'endpoints');
  const answer = useAnswer(
    () => aimass.api.call('endpoints.show', { endpoint: id }),
    [id, sequence]
  );
  return (
    <Answered answer={answer}>
      {endpoint => <EndpointView endpoint={endpoint} actions={actions} />}
    </Answered>
  );
}

function EndpointView(props: { endpoint: Endpoint; actions: IActions }): JSX.Element {
  const { endpoint, actions } = props;
  const { name, state, message, url, model, owner, deployed_at } = endpoint;
  const row = JSON.stringify([endpoint.signature.example]);
  return (
    <>
      <Head name={name} mark={<StateBadge state={state} />}>
        <EndpointButtons endpoint={endpoint} actions={actions} />
      </Head>
      {message && <p className="aimass-Row-cause">{message}</p>}
      <Facts
        facts={[
          [trans.__('Model'), model],
          [trans.__('Owner'), owner],
          [trans.__('Deployed'), <Ago key="deployed" moment={deployed_at} />]
        ]}
      />
      <h3>{trans.__('Its URL')}</h3>
      <CopyLine text={url} onCopy={text => actions.copy(text)} />
      <h3>{trans.__('In a cell')}</h3>
      <CopyLine text={`%aimass predict ${name} '${row}'`} onCopy={text => actions.copy(text)} />
    </>
  );
}
