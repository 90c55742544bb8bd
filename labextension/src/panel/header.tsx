/**
 * The head of the panel: what runs and where, whether it answers, and what can be started.
 */
import { refreshIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import type { AimassError } from '../errors';
import { trans } from '../i18n';
import type { IAimass, IViewProps } from '../tokens';
import { useSignal } from './hooks';
import { IconButton, TextButton } from './parts';

export function Header({ aimass, actions }: IViewProps): JSX.Element {
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
          label={trans.__('Read everything again')}
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
    return trans.__('Connecting…');
  }
  if (connection.state === 'down') {
    return trans.__('Not connected');
  }
  return status
    ? trans.__('%1 of %2 slots in use', status.slots_used, status.slots)
    : trans.__('Connected');
}

function Down(props: { error: AimassError; onRetry: () => void }): JSX.Element {
  const { error, onRetry } = props;
  return (
    <div className="aimass-Down" role="alert" data-testid="aimass-down" data-code={error.code}>
      <p>
        {error.message}
        {error.hint && <>. {trans.__('To mend it: %1', error.hint)}</>}
      </p>
      <button type="button" className="aimass-Button" onClick={onRetry}>
        {trans.__('Try now')}
      </button>
    </div>
  );
}

function Starts({ actions }: { actions: IActions }): JSX.Element {
  return (
    <div className="aimass-Starts">
      {actions.may('datasets.import') && (
        <TextButton
          text={trans.__('Import data…')}
          testId="aimass-import"
          onClick={() => void actions.run('datasets.import', {}, { form: true })}
        />
      )}
      {actions.may('jobs.submit') && (
        <TextButton
          text={trans.__('Train…')}
          testId="aimass-train"
          onClick={() => void actions.run('jobs.submit', {}, { form: true })}
        />
      )}
      {actions.has(CommandIDs.openTensorBoard) && (
        <TextButton
          text="TensorBoard"
          testId="aimass-tensorboard"
          onClick={() => actions.execute(CommandIDs.openTensorBoard)}
        />
      )}
    </div>
  );
}
