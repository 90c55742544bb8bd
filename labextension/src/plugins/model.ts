/**
 * Provides the live picture of the control plane to the other plugins.
 */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { Api } from '../api';
import { AimassModel } from '../model';
import { EventStream } from '../stream';
import { IAimass } from '../tokens';

const HIDDEN_MS = 60_000;

export const modelPlugin: JupyterFrontEndPlugin<IAimass> = {
  id: 'aimass-jupyter:model',
  description: 'Follows the jobs, models, endpoints and services of AI Mass.',
  autoStart: true,
  provides: IAimass,
  activate: app => {
    const api = new Api(app.serviceManager.serverSettings);
    const stream = new EventStream(api);
    const model = new AimassModel(api, stream);
    sleepWhileHidden(stream);
    // What it asks for must not stand in the way of what Lab asks for while it starts.
    void app.restored.then(() => model.start());
    return model;
  }
};

/** Let go of the connection of a page that stays out of sight. */
function sleepWhileHidden(stream: EventStream): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (document.hidden) {
      timer = setTimeout(() => stream.sleep(), HIDDEN_MS);
    } else {
      stream.wake();
    }
  });
}
