/**
 * An item of the status bar: how many jobs run and wait, and the slots in use. It opens the panel.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import React from 'react';

import { CommandIDs } from '../commands';
import { trans } from '../i18n';
import { useSignal } from '../panel/hooks';
import type { Status } from '../schema';
import { IAimass } from '../tokens';

export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:status',
  description: 'Running jobs and slots of AI Mass in the status bar.',
  autoStart: true,
  requires: [IAimass],
  optional: [IStatusBar], // Notebook 7 has none
  activate: (app: JupyterFrontEnd, aimass: IAimass, bar: IStatusBar | null) => {
    const item = ReactWidget.create(<StatusItem aimass={aimass} commands={app.commands} />);
    item.id = 'aimass-status';
    const isActive = () => aimass.connection.state !== 'connecting';
    bar?.registerStatusItem('aimass-jupyter:status', {
      item,
      align: 'left',
      rank: 20,
      isActive,
      activeStateChanged: aimass.changed as never
    });
  }
};

interface IStatusProps {
  aimass: IAimass;
  commands: CommandRegistry;
}

export function StatusItem({ aimass, commands }: IStatusProps): JSX.Element {
  useSignal(aimass.changed);
  const line = lineOf(aimass);
  return (
    <button
      type="button"
      className="aimass-Status"
      title={trans.__('AI Mass: show the panel')}
      data-testid="aimass-status"
      data-state={aimass.connection.state}
      onClick={() => {
        if (commands.hasCommand(CommandIDs.showPanel)) {
          void commands.execute(CommandIDs.showPanel);
        }
      }}
    >
      {line}
    </button>
  );
}

/** GPUs, and how busy they are where that is known; nothing without one. */
function gpusOf({ gpus = 0, gpu_percent: busy }: Status): string {
  if (gpus === 0) {
    return '';
  }
  const count = trans._n('%1 GPU', '%1 GPUs', gpus, gpus);
  return busy == null ? count : `${count} ${Math.round(busy)}%`;
}

function lineOf({ connection, status }: IAimass): string {
  if (connection.state === 'down') {
    return trans.__('AI Mass: not connected');
  }
  if (!status) {
    return 'AI Mass';
  }
  const { running = 0, starting = 0, stopping = 0, queued = 0 } = status.jobs ?? {};
  const active = running + starting + stopping;
  const parts = [
    active ? trans.__('%1 running', active) : '',
    queued ? trans.__('%1 waiting', queued) : '',
    trans.__('%1/%2 slots', status.slots_used, status.slots),
    gpusOf(status)
  ];
  return `AI Mass: ${parts.filter(Boolean).join(' · ')}`;
}
