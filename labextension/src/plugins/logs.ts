/**
 * Opens the log of a job in a tab of the main area.
 */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { textEditorIcon } from '@jupyterlab/ui-components';

import { CommandIDs } from '../commands';
import { trans } from '../i18n';
import { LogView } from '../log';
import { IAimass } from '../tokens';

interface ILogArgs {
  readonly job: string;
  readonly name: string;
  readonly np: number;
}

export const logsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:logs',
  description: 'Shows the logs of jobs in tabs.',
  autoStart: true,
  requires: [IAimass],
  optional: [ILayoutRestorer],
  activate: (app: JupyterFrontEnd, aimass: IAimass, restorer: ILayoutRestorer | null) => {
    const tabs = new WidgetTracker<MainAreaWidget<LogView>>({ namespace: 'aimass-logs' });
    const argsOf = new Map<string, ILogArgs>();
    app.commands.addCommand(CommandIDs.openLog, {
      label: trans.__('AI Mass: Open Log'),
      execute: args => {
        const wanted = args as unknown as ILogArgs;
        const id = `aimass-log-${wanted.job}`;
        argsOf.set(id, wanted);
        const tab = tabs.find(each => each.id === id) ?? logTab(aimass, wanted, id);
        if (!tab.isAttached) {
          app.shell.add(tab, 'main');
          void tabs.add(tab);
        }
        app.shell.activateById(id);
      }
    });
    void restorer?.restore(tabs, {
      command: CommandIDs.openLog,
      args: tab => ({ ...argsOf.get(tab.id) }),
      name: tab => tab.id
    });
  }
};

function logTab(aimass: IAimass, { job, name, np }: ILogArgs, id: string) {
  const tab = new MainAreaWidget({ content: new LogView(aimass.api, { job, np }) });
  tab.id = id;
  tab.title.label = trans.__('%1 log', name);
  tab.title.caption = job;
  tab.title.icon = textEditorIcon;
  tab.title.closable = true;
  return tab;
}
