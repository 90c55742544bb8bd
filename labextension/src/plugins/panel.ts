/**
 * Puts the side panel into Lab and lets the nouns' plugins add their sections.
 */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';

import { CommandActions } from '../actions';
import { CommandIDs } from '../commands';
import { trans } from '../i18n';
import { aimassIcon } from '../icons';
import { AimassPanel } from '../panel/panel';
import { IAimass, IPanel } from '../tokens';

const RANK = 300;

export const panelPlugin: JupyterFrontEndPlugin<IPanel> = {
  id: 'aimass-jupyter:panel',
  description: 'The side panel with jobs, models, endpoints and services.',
  autoStart: true,
  requires: [IAimass],
  optional: [ICommandPalette, ILayoutRestorer, IStateDB],
  provides: IPanel,
  activate: (
    app: JupyterFrontEnd,
    aimass: IAimass,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null
  ) => {
    const actions = new CommandActions(app.commands, aimass);
    const panel = new AimassPanel({ aimass, actions }, state);
    app.shell.add(panel, 'left', { rank: RANK });
    restorer?.add(panel, panel.id);
    app.commands.addCommand(CommandIDs.showPanel, {
      label: args =>
        args.isLauncher
          ? 'AI Mass'
          : args.isMainMenu
            ? trans.__('Show the panel')
            : trans.__('AI Mass: Show Panel'),
      caption: trans.__('Jobs, models, endpoints and services'),
      icon: args => (args.isPalette ? undefined : aimassIcon),
      execute: () => app.shell.activateById(panel.id)
    });
    palette?.addItem({
      command: CommandIDs.showPanel,
      category: 'AI Mass',
      args: { isPalette: true }
    });
    return panel;
  }
};
