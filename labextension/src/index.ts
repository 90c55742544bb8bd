/**
 * AI Mass in JupyterLab: small plugins around one live model, each of which can be disabled.
 */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { datasetsPlugin } from './plugins/datasets';
import { launcherPlugin } from './plugins/launcher';
import { logsPlugin } from './plugins/logs';
import { modelPlugin } from './plugins/model';
import { notificationsPlugin } from './plugins/notifications';
import {
  clustersPlugin,
  endpointsPlugin,
  jobsPlugin,
  modelsPlugin,
  runsPlugin,
  servicesPlugin
} from './plugins/nouns';
import { operationsPlugin } from './plugins/operations';
import { pagesPlugin } from './plugins/pages';
import { panelPlugin } from './plugins/panel';
import { predictPlugin } from './plugins/predict';
import { publishPlugin } from './plugins/publish';
import { runNotebookPlugin } from './plugins/runnotebook';
import { runningPlugin } from './plugins/running';
import { statusPlugin } from './plugins/status';
import { stillsPlugin } from './plugins/stills';
import { tensorboardPlugin } from './plugins/tensorboard';
import { trainPlugin } from './plugins/train';

export { IAimass, IPages, IPanel } from './tokens';

const plugins: JupyterFrontEndPlugin<never>[] = [
  modelPlugin,
  operationsPlugin,
  logsPlugin,
  predictPlugin,
  trainPlugin,
  tensorboardPlugin,
  panelPlugin,
  pagesPlugin,
  jobsPlugin,
  datasetsPlugin,
  runsPlugin,
  modelsPlugin,
  endpointsPlugin,
  servicesPlugin,
  clustersPlugin,
  launcherPlugin,
  notificationsPlugin,
  publishPlugin,
  runNotebookPlugin,
  runningPlugin,
  stillsPlugin,
  statusPlugin
] as JupyterFrontEndPlugin<never>[];

export default plugins;
