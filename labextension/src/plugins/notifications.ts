/**
 * A toast for every job that ends while the page is open, or ended while it was not connected; the
 * settings say for which.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../commands';
import { formatMetrics, formatState } from '../format';
import { trans } from '../i18n';
import { SHORT_MS } from '../notices';
import type { Event, Job } from '../schema';
import { IAimass } from '../tokens';

const ID = 'aimass-jupyter:notifications';
const METRICS_SHOWN = 3;

export const notificationsPlugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Tells when a job of AI Mass ends.',
  autoStart: true,
  requires: [IAimass],
  optional: [ISettingRegistry],
  activate: async (app: JupyterFrontEnd, aimass: IAimass, registry: ISettingRegistry | null) => {
    // Without settings everything is told.
    const settings = await registry?.load(ID).catch(() => null);
    const wants = (name: string) => settings?.get(name).composite !== false;
    aimass.happened.connect((_, event) => {
      const isGood = event.topic === 'jobs.succeeded';
      const isBad = event.topic === 'jobs.failed' || event.topic === 'jobs.lost';
      const isMine = event.actor === aimass.identity?.user || !wants('onlyMine');
      if (isMine && ((isGood && wants('succeeded')) || (isBad && wants('failed')))) {
        void tell(app.commands, aimass, event);
      }
    });
  }
};

/** Tell how a job ended; a job that is gone already has nothing to tell. */
async function tell(commands: CommandRegistry, aimass: IAimass, event: Event): Promise<void> {
  const job = await aimass.api.call('jobs.show', { job: event.subject }).catch(() => null);
  if (!job) {
    return;
  }
  if (job.state === 'succeeded') {
    Notification.success(succeeded(job), {
      autoClose: SHORT_MS,
      actions: [...deployAction(commands, job), ...openAction(commands, job)]
    });
  } else {
    const cause = job.cause?.message ?? trans.__('no cause is known');
    Notification.error(trans.__('Job %1 %2: %3', job.name, formatState(job.state), cause), {
      autoClose: false,
      actions: [...logAction(commands, job), ...openAction(commands, job)]
    });
  }
}

/** What is said of a success; a job that measures nothing, as an import, has only its name. */
function succeeded({ name, metrics }: Job): string {
  const shown = formatMetrics(metrics, METRICS_SHOWN);
  return shown ? trans.__('Job %1 succeeded: %2', name, shown) : trans.__('Job %1 succeeded', name);
}

function action(
  commands: CommandRegistry,
  label: string,
  command: string,
  args: Record<string, unknown>
): Notification.IAction[] {
  const callback = () => void commands.execute(command, args as never);
  return commands.hasCommand(command) ? [{ label, callback }] : [];
}

function openAction(commands: CommandRegistry, { id, name }: Job): Notification.IAction[] {
  const args = { noun: 'jobs', id, label: name };
  return action(commands, trans.__('Open'), CommandIDs.openPage, args);
}

function logAction(commands: CommandRegistry, { id, name, np }: Job): Notification.IAction[] {
  return action(commands, trans.__('Open log'), CommandIDs.openLog, { job: id, name, np });
}

function deployAction(commands: CommandRegistry, { model }: Job): Notification.IAction[] {
  const deploy = CommandIDs.operation('endpoints.deploy');
  return model
    ? action(commands, trans.__('Deploy…'), deploy, { values: { model }, form: true })
    : [];
}
