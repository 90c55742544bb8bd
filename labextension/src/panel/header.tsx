/**
 * The head of the panel: what runs and where, whether it answers, and what can be started.
 */
import { refreshIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import type { AimassError } from '../errors';
import type { IAimass } from '../tokens';
import { useSignal } from './hooks';
import { IconButton } from './parts';

interface IHeaderProps {
  aimass: IAimass;
  actions: IActions;
}

export function Header({ aimass, actions }: IHeaderProps): JSX.Element {
  useSignal(aimass.changed);
  const { connection } = aimass;
  return (
    <header className="aimass-Header" data-testid="aimass-header" data-state={connection.state}>
      <div className="aimass-Header-line">
        <span className="aimass-Header-status" role="status">
          {summary(aimass)}
        </span>
        <IconButton
          icon={refreshIcon}
          label="Read everything again"
          testId="aimass-refresh"
          onClick={() => void aimass.refresh()}
        />
      </div>
      {connection.state === 'down' && (
        <Down error={connection.error} onRetry={() => aimass.retry()} />
      )}
      {connection.state === 'live' && <Starts actions={actions} />}
    </header>
  );
}

function summary({ connection, status }: IAimass): string {
  if (connection.state === 'connecting') {
    return 'Connecting…';
  }
  if (connection.state === 'down') {
    return 'Not connected';
  }
  return status ? `${status.slots_used} of ${status.slots} slots in use` : 'Connected';
}

function Down(props: { error: AimassError; onRetry: () => void }): JSX.Element {
  const { error, onRetry } = props;
  return (
    <div className="aimass-Down" role="alert" data-testid="aimass-down" data-code={error.code}>
      <p>
        {error.message}
        {error.hint && <>. To mend it: {error.hint}</>}
      </p>
      <button type="button" className="aimass-Button" onClick={onRetry}>
        Try now
      </button>
    </div>
  );
}

function Starts({ actions }: { actions: IActions }): JSX.Element {
  return (
    <div className="aimass-Starts">
      {actions.may('datasets.import') && (
        <button
          type="button"
          className="aimass-Button"
          data-testid="aimass-import"
          onClick={() => void actions.run('datasets.import', {}, { form: true })}
        >
          Import data…
        </button>
      )}
      {actions.may('jobs.submit') && (
        <button
          type="button"
          className="aimass-Button"
          data-testid="aimass-train"
          onClick={() => void actions.run('jobs.submit', {}, { form: true })}
        >
          Train…
        </button>
      )}
      {actions.has(CommandIDs.openTensorBoard) && (
        <button
          type="button"
          className="aimass-Button"
          data-testid="aimass-tensorboard"
          onClick={() => actions.execute(CommandIDs.openTensorBoard)}
        >
          TensorBoard
        </button>
      )}
    </div>
  );
}
