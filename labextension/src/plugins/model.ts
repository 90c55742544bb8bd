/**
 * Provides the live picture of the control plane to the other plugins.
 */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { Api } from '../api';
import { AimassModel } from '../model';
import { EventStream } from '../stream';
import { IAimass } from '../tokens';

export const modelPlugin: JupyterFrontEndPlugin<IAimass> = {
  id: 'aimass-jupyter:model',
  description: 'Follows the jobs, models, endpoints and services of AI Mass.',
  autoStart: true,
  provides: IAimass,
  activate: app => {
    const api = new Api(app.serviceManager.serverSettings);
    const model = new AimassModel(api, new EventStream(api));
    // What it asks for must not stand in the way of what Lab asks for while it starts.
    void app.restored.then(() => model.start());
    return model;
  }
};
