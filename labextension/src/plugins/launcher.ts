/**
 * The card in the launcher that opens the panel.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILauncher } from '@jupyterlab/launcher';

import { CommandIDs } from '../commands';

export const launcherPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:launcher',
  description: 'The AI Mass card in the launcher.',
  autoStart: true,
  requires: [ILauncher],
  activate: (app: JupyterFrontEnd, launcher: ILauncher) => {
    // The panel may be switched off: a card that does nothing is worse than none.
    void app.restored.then(() => {
      if (app.commands.hasCommand(CommandIDs.showPanel)) {
        launcher.add({
          command: CommandIDs.showPanel,
          category: 'Other',
          args: { isLauncher: true }
        });
      }
    });
  }
};
