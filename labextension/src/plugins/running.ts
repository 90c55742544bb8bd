/**
 * Jobs that have not ended among Lab's running sessions: opened as pages, stopped like kernels.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { type IRunningSessions, IRunningSessionManagers } from '@jupyterlab/running';
import type { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';

import { CommandIDs } from '../commands';
import { isActive } from '../format';
import { trans } from '../i18n';
import { aimassIcon } from '../icons';
import { noticeFault } from '../notices';
import { progressLine, workOf } from '../panel/jobs';
import type { Job } from '../schema';
import { IAimass } from '../tokens';

export const runningPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:running',
  description: 'Jobs of AI Mass among the running sessions.',
  autoStart: true,
  requires: [IAimass],
  optional: [IRunningSessionManagers],
  activate: (app: JupyterFrontEnd, aimass: IAimass, managers: IRunningSessionManagers | null) => {
    managers?.add(new RunningJobs(app.commands, aimass));
  }
};

class RunningJobs implements IRunningSessions.IManager {
  constructor(
    private readonly _commands: CommandRegistry,
    private readonly _aimass: IAimass
  ) {
    this.runningChanged = new Signal<this, void>(this);
    _aimass.jobs.changed.connect(() => this.runningChanged.emit());
  }

  readonly name = trans.__('Jobs of AI Mass');
  readonly shutdownLabel = trans.__('Stop');
  readonly shutdownAllLabel = trans.__('Stop all');
  readonly runningChanged: Signal<this, void>;

  shutdownAllConfirmationText(): string {
    return trans.__('Stop every job of AI Mass that you may stop, and all of its processes?');
  }

  running(): IRunningSessions.IRunningItem[] {
    return this._jobs.map(job => ({
      icon: () => aimassIcon,
      label: () => job.name,
      detail: () => (job.state === 'queued' ? trans.__('waits') : progressLine(job)),
      labelTitle: () => workOf(job),
      open: () => void this._open(job),
      shutdown: () => void this._stop(job)
    }));
  }

  shutdownAll(): void {
    this._jobs.forEach(job => void this._stop(job));
  }

  refreshRunning(): void {
    void this._aimass.jobs.refresh();
  }

  private get _jobs(): Job[] {
    return this._aimass.jobs.items.filter(job => isActive(job.state));
  }

  private async _open({ id, name }: Job): Promise<void> {
    if (this._commands.hasCommand(CommandIDs.openPage)) {
      await this._commands.execute(CommandIDs.openPage, { noun: 'jobs', id, label: name });
    }
  }

  private async _stop({ id, name }: Job): Promise<void> {
    try {
      await this._aimass.api.call('jobs.stop', { job: id });
    } catch (reason) {
      noticeFault(trans.__('%1 was not stopped', name), reason);
    }
  }
}
