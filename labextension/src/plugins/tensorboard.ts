/**
 * TensorBoard in a tab, behind the same login as Lab itself.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, IFrame, MainAreaWidget } from '@jupyterlab/apputils';

import { CommandIDs } from '../commands';
import { aimassIcon } from '../icons';
import { IAimass } from '../tokens';

export const tensorboardPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:tensorboard',
  description: 'Opens the TensorBoard of AI Mass in a tab.',
  autoStart: true,
  requires: [IAimass],
  optional: [ICommandPalette],
  activate: (app: JupyterFrontEnd, aimass: IAimass, palette: ICommandPalette | null) => {
    let tab: MainAreaWidget<IFrame> | null = null;
    app.commands.addCommand(CommandIDs.openTensorBoard, {
      label: 'AI Mass: Open TensorBoard',
      caption: 'Curves of every job',
      execute: () => {
        if (!tab || tab.isDisposed) {
          tab = tensorBoardTab(aimass.api.url('tensorboard/'));
          app.shell.add(tab, 'main');
        }
        app.shell.activateById(tab.id);
      }
    });
    palette?.addItem({ command: CommandIDs.openTensorBoard, category: 'AI Mass' });
  }
};

function tensorBoardTab(url: string): MainAreaWidget<IFrame> {
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
  tab.id = 'aimass-tensorboard';
  tab.node.dataset.testid = 'aimass-tensorboard-tab';
  tab.title.label = 'TensorBoard';
  tab.title.icon = aimassIcon;
  tab.title.closable = true;
  return tab;
}
