/**
 * Something that can be done with a notebook, as a plugin: a button on the notebook's toolbar, and a
 * command for the palette, the menu and the file browser. What is done is the plugin's own.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { type LabIcon, ToolbarButton } from '@jupyterlab/ui-components';

import { IAimass } from '../tokens';
import { chosenNotebook, type INotebookFile, notebookAt, openNotebook } from './files';

export interface IOffer {
  readonly command: string;
  /** Its words: on the toolbar, in the menu of AI Mass, in that of a file, in the palette. */
  readonly button: string;
  readonly mainMenu: string;
  readonly fileMenu: string;
  readonly palette: string;
  readonly caption: string;
  readonly icon: LabIcon;
  readonly isIconOnButton: boolean;
  may(): boolean;
  perform(find: () => Promise<INotebookFile>): Promise<void>;
}

/** A plugin that offers it; `name` is that of the plugin and of the button. */
export function notebookPlugin(
  name: string,
  description: string,
  offerOf: (app: JupyterFrontEnd, aimass: IAimass) => IOffer
): JupyterFrontEndPlugin<void> {
  return {
    id: `aimass-jupyter:${name}`,
    description,
    autoStart: true,
    requires: [IAimass, INotebookTracker],
    optional: [IToolbarWidgetRegistry, ICommandPalette, IDefaultFileBrowser],
    activate: (
      app: JupyterFrontEnd,
      aimass: IAimass,
      tracker: INotebookTracker,
      toolbars: IToolbarWidgetRegistry | null,
      palette: ICommandPalette | null,
      browser: IDefaultFileBrowser | null
    ) => {
      const offer = offerOf(app, aimass);
      toolbars?.addFactory<NotebookPanel>('Notebook', `aimass-${name}`, panel =>
        buttonOf(offer, `aimass-${name}`, panel)
      );
      addCommand(app, tracker, browser, offer);
      palette?.addItem({ command: offer.command, category: 'AI Mass' });
    }
  };
}

function buttonOf(offer: IOffer, testid: string, panel: NotebookPanel): ToolbarButton {
  const button = new ToolbarButton({
    label: offer.button,
    icon: offer.isIconOnButton ? offer.icon : undefined,
    tooltip: offer.caption,
    dataset: { testid },
    onClick: () => void offer.perform(() => openNotebook(panel))
  });
  button.addClass('aimass-Publish');
  return button;
}

/** `isMainMenu` and `isMenu` say where it stands, `isBrowser` that it is about the chosen file. */
function addCommand(
  app: JupyterFrontEnd,
  tracker: INotebookTracker,
  browser: IDefaultFileBrowser | null,
  offer: IOffer
): void {
  app.commands.addCommand(offer.command, {
    label: args =>
      args.isMainMenu ? offer.mainMenu : args.isMenu ? offer.fileMenu : offer.palette,
    caption: offer.caption,
    icon: args => (args.isMenu ? offer.icon : undefined),
    isEnabled: args => !!args.isBrowser || tracker.currentWidget !== null,
    isVisible: () => offer.may(),
    execute: async args => {
      const path = args.isBrowser ? chosenNotebook(browser) : null;
      const panel = tracker.currentWidget;
      if (path) {
        await offer.perform(() => notebookAt(app, tracker, path));
      } else if (panel) {
        await offer.perform(() => openNotebook(panel));
      }
    }
  });
}
