/**
 * AI Mass in JupyterLab: small plugins around one live model, each of which can be disabled.
 */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { launcherPlugin } from './plugins/launcher';
import { logsPlugin } from './plugins/logs';
import { modelPlugin } from './plugins/model';
import { notificationsPlugin } from './plugins/notifications';
import { operationsPlugin } from './plugins/operations';
import { panelPlugin } from './plugins/panel';
import { predictPlugin } from './plugins/predict';
import { publishPlugin } from './plugins/publish';
import { tensorboardPlugin } from './plugins/tensorboard';

export { IAimass } from './tokens';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  modelPlugin,
  operationsPlugin,
  logsPlugin,
  predictPlugin,
  tensorboardPlugin,
  panelPlugin,
  launcherPlugin,
  notificationsPlugin,
  publishPlugin
];

export default plugins;
