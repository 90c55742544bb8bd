/**
 * The Publish button on the notebook toolbar: saves the notebook, sends it, says how it went.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, InputDialog, IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { ToolbarButton } from '@jupyterlab/ui-components';

import { CommandIDs } from '../commands';
import { serviceName, webUrl } from '../format';
import { trans } from '../i18n';
import { aimassIcon } from '../icons';
import { chosenNotebook, type INotebookFile, notebookAt, openNotebook } from '../notebooks/files';
import { type IDone, noticeFault, withNotice } from '../notices';
import type { Service } from '../schema';
import { IAimass } from '../tokens';

export const publishPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:publish',
  description: 'Publishes a notebook from its toolbar.',
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
    toolbars?.addFactory<NotebookPanel>('Notebook', 'aimass-publish', panel =>
      publishButton(() => void publish(aimass, () => openNotebook(panel)))
    );
    app.commands.addCommand(CommandIDs.publishNotebook, {
      label: args =>
        args.isMainMenu
          ? trans.__('Publish this notebook…')
          : args.isMenu
            ? trans.__('Publish with AI Mass…')
            : trans.__('AI Mass: Publish Notebook'),
      caption: caption(),
      icon: args => (args.isMenu ? aimassIcon : undefined),
      isEnabled: args => !!args.isBrowser || tracker.currentWidget !== null,
      isVisible: () => aimass.may('services.publish'),
      execute: async args => {
        const path = args.isBrowser ? chosenNotebook(browser) : null;
        const panel = tracker.currentWidget;
        if (path) {
          await publish(aimass, () => notebookAt(app, tracker, path));
        } else if (panel) {
          await publish(aimass, () => openNotebook(panel));
        }
      }
    });
    palette?.addItem({ command: CommandIDs.publishNotebook, category: 'AI Mass' });
  }
};

function caption(): string {
  return trans.__('Publish this notebook as a dashboard');
}

function publishButton(onClick: () => void): ToolbarButton {
  const button = new ToolbarButton({
    label: trans.__('Publish'),
    icon: aimassIcon,
    tooltip: caption(),
    dataset: { testid: 'aimass-publish' },
    onClick
  });
  button.addClass('aimass-Publish');
  return button;
}

/** Ask for a name, then publish; a notebook that fails keeps the version that was there. */
export async function publish(aimass: IAimass, find: () => Promise<INotebookFile>): Promise<void> {
  try {
    const notebook = await find();
    const { value: name } = await InputDialog.getText({
      title: caption(),
      label: trans.__('Name of the service; one that exists gets a new version'),
      text: serviceName(notebook.filename),
      okLabel: trans.__('Publish')
    });
    if (name) {
      const pending = trans.__('Publishing %1: it is run once first…', notebook.filename);
      await withNotice(pending, send(aimass, notebook, name), done);
    }
  } catch (reason) {
    noticeFault(trans.__('The notebook was not published'), reason);
  }
}

async function send(aimass: IAimass, notebook: INotebookFile, name: string): Promise<Service> {
  const content = new Blob([JSON.stringify(notebook.content)]);
  const upload = await aimass.api.upload(notebook.filename, content);
  return aimass.api.call('services.publish', { notebook: upload.id, name });
}

function done(service: Service): IDone {
  const url = webUrl(service.url);
  const open = {
    label: trans.__('Open'),
    callback: () => void window.open(url ?? '', '_blank', 'noopener')
  };
  return {
    message: trans.__('%1 version %2 is published', service.name, service.version),
    actions: url ? [open] : [],
    stays: true
  };
}
