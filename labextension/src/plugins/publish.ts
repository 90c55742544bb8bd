/**
 * The Publish button on the notebook toolbar: saves the notebook, sends it, says how it went.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, InputDialog, IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { ToolbarButton } from '@jupyterlab/ui-components';

import { CommandIDs } from '../commands';
import { serviceName, webUrl } from '../format';
import { aimassIcon } from '../icons';
import { type IDone, noticeFault, withNotice } from '../notices';
import type { Service } from '../schema';
import { IAimass } from '../tokens';

const CAPTION = 'Publish this notebook as a dashboard';

export const publishPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:publish',
  description: 'Publishes a notebook from its toolbar.',
  autoStart: true,
  requires: [IAimass, INotebookTracker],
  optional: [IToolbarWidgetRegistry, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    aimass: IAimass,
    tracker: INotebookTracker,
    toolbars: IToolbarWidgetRegistry | null,
    palette: ICommandPalette | null
  ) => {
    toolbars?.addFactory<NotebookPanel>('Notebook', 'aimass-publish', panel =>
      publishButton(() => void publish(aimass, panel))
    );
    app.commands.addCommand(CommandIDs.publishNotebook, {
      label: 'AI Mass: Publish Notebook',
      caption: CAPTION,
      isEnabled: () => tracker.currentWidget !== null,
      execute: () => tracker.currentWidget && publish(aimass, tracker.currentWidget)
    });
    palette?.addItem({ command: CommandIDs.publishNotebook, category: 'AI Mass' });
  }
};

function publishButton(onClick: () => void): ToolbarButton {
  const button = new ToolbarButton({
    label: 'Publish',
    icon: aimassIcon,
    tooltip: CAPTION,
    dataset: { testid: 'aimass-publish' },
    onClick
  });
  button.addClass('aimass-Publish');
  return button;
}

/** Ask for a name, then publish; a notebook that fails keeps the version that was there. */
export async function publish(aimass: IAimass, panel: NotebookPanel): Promise<void> {
  const filename = PathExt.basename(panel.context.path);
  const { value: name } = await InputDialog.getText({
    title: CAPTION,
    label: 'Name of the service; one that exists gets a new version',
    text: serviceName(filename),
    okLabel: 'Publish'
  });
  if (!name) {
    return;
  }
  try {
    await withNotice(
      `Publishing ${filename}: it is run once first…`,
      send(aimass, panel, name),
      done
    );
  } catch (reason) {
    noticeFault(`${filename} was not published`, reason);
  }
}

async function send(aimass: IAimass, panel: NotebookPanel, name: string): Promise<Service> {
  await panel.context.save();
  const filename = PathExt.basename(panel.context.path);
  const content = new Blob([JSON.stringify(panel.context.model.toJSON())]);
  const upload = await aimass.api.upload(filename, content);
  return aimass.api.call('services.publish', { notebook: upload.id, name });
}

function done(service: Service): IDone {
  const url = webUrl(service.url);
  const open = { label: 'Open', callback: () => void window.open(url ?? '', '_blank', 'noopener') };
  return {
    message: `${service.name} version ${service.version} is published`,
    actions: url ? [open] : [],
    stays: true
  };
}
