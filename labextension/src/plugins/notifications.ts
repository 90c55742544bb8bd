/**
 * A toast for every job that ends while the page is open, or ended while it was not connected.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../commands';
import { formatMetrics } from '../format';
import type { Event, Job } from '../schema';
import { IAimass } from '../tokens';

const ENDED = new Set(['jobs.succeeded', 'jobs.failed', 'jobs.lost']);
const METRICS_SHOWN = 3;

export const notificationsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:notifications',
  description: 'Tells when a job of AI Mass ends.',
  autoStart: true,
  requires: [IAimass],
  activate: (app: JupyterFrontEnd, aimass: IAimass) => {
    aimass.happened.connect((_, event) => {
      if (ENDED.has(event.topic)) {
        void tell(app.commands, aimass, event);
      }
    });
  }
};

/** Tell how a job ended; a job that is gone already has nothing to tell. */
async function tell(commands: CommandRegistry, aimass: IAimass, event: Event): Promise<void> {
  const job = await aimass.api.call('jobs.show', { job: event.subject }).catch(() => null);
  if (job?.state === 'succeeded') {
    Notification.success(`Job ${job.name} succeeded: ${formatMetrics(job.metrics, METRICS_SHOWN)}`);
  } else if (job) {
    const message = `Job ${job.name} ${job.state}: ${job.cause?.message ?? 'no cause is known'}`;
    Notification.error(message, { autoClose: false, actions: logAction(commands, job) });
  }
}

function logAction(commands: CommandRegistry, { id, name, np }: Job): Notification.IAction[] {
  if (!commands.hasCommand(CommandIDs.openLog)) {
    return [];
  }
  const open = () => void commands.execute(CommandIDs.openLog, { job: id, name, np });
  return [{ label: 'Open log', callback: open }];
}
