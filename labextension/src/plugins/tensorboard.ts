/**
 * TensorBoard in a tab, behind the same login as Lab itself: of all jobs, or of one run.
 */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, IFrame, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';

import { CommandIDs } from '../commands';
import { trans } from '../i18n';
import { aimassIcon } from '../icons';
import { IAimass } from '../tokens';
import { hasTabs, openAside } from './places';

export const tensorboardPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:tensorboard',
  description: 'Opens the TensorBoard of AI Mass in a tab.',
  autoStart: true,
  requires: [IAimass],
  optional: [ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    aimass: IAimass,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const tabs = new WidgetTracker<MainAreaWidget<IFrame>>({ namespace: 'aimass-tensorboard' });
    const runs = new Map<string, string>();
    app.commands.addCommand(CommandIDs.openTensorBoard, {
      label: args =>
        args.isMainMenu ? trans.__('Open TensorBoard') : trans.__('AI Mass: Open TensorBoard'),
      caption: trans.__('Curves of every job'),
      execute: args => {
        const run = (args.run as string | undefined) ?? '';
        const url = addressOf(aimass.api.url('tensorboard/'), run);
        if (!hasTabs(app)) {
          openAside(url);
          return;
        }
        const id = run ? `aimass-tensorboard-${run}` : 'aimass-tensorboard';
        runs.set(id, run);
        if (!tabs.find(tab => tab.id === id)) {
          const tab = tensorBoardTab(url, id, run);
          app.shell.add(tab, 'main');
          void tabs.add(tab);
        }
        app.shell.activateById(id);
      }
    });
    palette?.addItem({ command: CommandIDs.openTensorBoard, category: 'AI Mass' });
    void restorer?.restore(tabs, {
      command: CommandIDs.openTensorBoard,
      args: tab => ({ run: runs.get(tab.id) ?? '' }),
      name: tab => tab.id
    });
  }
};

function tensorBoardTab(url: string, id: string, run: string): MainAreaWidget<IFrame> {
  const content = new IFrame({
    sandbox: [
      'allow-scripts',
      'allow-same-origin',
      'allow-forms',
      'allow-popups',
      'allow-downloads'
    ],
    referrerPolicy: 'same-origin'
  });
  content.url = url;
  const tab = new MainAreaWidget({ content });
  tab.id = id;
  tab.node.dataset.testid = 'aimass-tensorboard-tab';
  tab.title.label = run ? trans.__('TensorBoard of %1', run) : 'TensorBoard';
  tab.title.icon = aimassIcon;
  tab.title.closable = true;
  return tab;
}

/** TensorBoard, or one run of it. */
function addressOf(url: string, run: string): string {
  return run ? `${url}?runFilter=${encodeURIComponent(exactly(run))}#timeseries` : url;
}

/** TensorBoard chooses runs by a regular expression. */
function exactly(text: string): string {
  return `^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
}
