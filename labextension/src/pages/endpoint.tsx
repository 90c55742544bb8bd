/**
 * An endpoint as a page: where it is, what answers behind it, how to ask it from a program, and how
 * it is used.
 */
import { undoIcon } from '@jupyterlab/ui-components';
import React, { useRef } from 'react';

import type { IActions } from '../actions';
import { trans } from '../i18n';
import { EndpointButtons } from '../panel/endpoints';
import { useAnswer } from '../panel/hooks';
import { Ago, CopyLine, IconButton, StateBadge } from '../panel/parts';
import { useNewest } from '../panel/waiting';
import type { Endpoint } from '../schema';
import type { IAimass, IPageViewProps } from '../tokens';
import { Answered, Facts, Head } from './parts';
import { useTicks } from './ticks';
import { Usage } from './usage';

const LOOK_MS = 5_000;

export function EndpointPage({ id, aimass, actions }: IPageViewProps): JSX.Element {
  const sequence = useNewest(aimass, 'endpoints');
  const answer = useAnswer(
    () => aimass.api.call('endpoints.show', { endpoint: id }),
    [id, sequence]
  );
  return (
    <Answered answer={answer}>
      {endpoint => <EndpointView endpoint={endpoint} aimass={aimass} actions={actions} />}
    </Answered>
  );
}

interface IViewProps {
  endpoint: Endpoint;
  aimass: IAimass;
  actions: IActions;
}

function EndpointView({ endpoint, aimass, actions }: IViewProps): JSX.Element {
  const { name, state, message, url, model, owner, deployed_at, previous } = endpoint;
  const row = JSON.stringify([endpoint.signature.example]);
  return (
    <>
      <Head name={name} mark={<StateBadge state={state} />}>
        <RollbackButton endpoint={endpoint} actions={actions} />
        <EndpointButtons endpoint={endpoint} actions={actions} />
      </Head>
      {message && <p className="aimass-Row-cause">{message}</p>}
      <Facts
        facts={[
          [trans.__('Model'), model],
          [trans.__('Before it'), previous],
          [trans.__('Owner'), owner],
          [trans.__('Deployed'), <Ago key="deployed" moment={deployed_at} />]
        ]}
      />
      <h3>{trans.__('Its URL')}</h3>
      <CopyLine text={url} onCopy={text => actions.copy(text)} />
      <h3>{trans.__('In a cell')}</h3>
      <CopyLine text={`%aimass predict ${name} '${row}'`} onCopy={text => actions.copy(text)} />
      {aimass.may('endpoints.usage') && (
        <>
          <h3>{trans.__('How it is used')}</h3>
          <Used name={name} aimass={aimass} />
        </>
      )}
    </>
  );
}

/** Serve the version before; there is one once another was deployed over it. */
function RollbackButton(props: { endpoint: Endpoint; actions: IActions }): JSX.Element | null {
  const { endpoint, actions } = props;
  const { name, previous } = endpoint;
  const question = trans.__('Let “%1” serve %2 again?', name, previous);
  const confirm = { question, verb: trans.__('Roll back') };
  return previous && actions.may('endpoints.rollback') ? (
    <IconButton
      icon={undoIcon}
      label={trans.__('Let %1 serve %2 again', name, previous)}
      testId="aimass-endpoint-rollback"
      onClick={() => void actions.run('endpoints.rollback', { endpoint: name }, { confirm })}
    />
  ) : null;
}

/** Looked at again while the page is seen. */
function Used({ name, aimass }: { name: string; aimass: IAimass }): JSX.Element {
  const body = useRef<HTMLDivElement>(null);
  const ticks = useTicks(body, LOOK_MS);
  const answer = useAnswer(
    () => aimass.api.call('endpoints.usage', { endpoint: name }),
    [name, ticks]
  );
  return (
    <div className="aimass-Page-part" ref={body}>
      <Answered answer={answer}>{usage => <Usage usage={usage} />}</Answered>
    </div>
  );
}
