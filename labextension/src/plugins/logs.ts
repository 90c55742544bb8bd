/**
 * Opens the log of a job or of a service in a tab of the main area.
 */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { textEditorIcon } from '@jupyterlab/ui-components';

import type { Api } from '../api';
import { CommandIDs } from '../commands';
import { trans } from '../i18n';
import { type ILogOptions, LogView } from '../log';
import { IAimass } from '../tokens';
import { hasTabs } from './places';

/** Whose log it is: a job's, with its ranks, or a service's. */
interface ILogArgs {
  readonly job?: string;
  readonly service?: string;
  readonly name: string;
  readonly np?: number;
}

export const logsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:logs',
  description: 'Shows the logs of jobs and services in tabs.',
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
        const id = `aimass-log-${wanted.job ?? wanted.service ?? ''}`;
        argsOf.set(id, wanted);
        const tab = tabs.find(each => each.id === id) ?? logTab(aimass.api, wanted, id);
        if (!tab.isAttached) {
          tab.toggleClass('aimass-below', !hasTabs(app));
          app.shell.add(tab, hasTabs(app) ? 'main' : 'down');
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

function logTab(api: Api, args: ILogArgs, id: string) {
  const tab = new MainAreaWidget({ content: new LogView(optionsOf(api, args)) });
  tab.id = id;
  tab.title.label = trans.__('%1 log', args.name);
  tab.title.caption = args.job ?? args.service ?? '';
  tab.title.icon = textEditorIcon;
  tab.title.closable = true;
  return tab;
}

export function optionsOf(api: Api, { job = '', service, np = 1 }: ILogArgs): ILogOptions {
  return service
    ? {
        read: (cursor, limit_bytes) => api.call('services.logs', { service, cursor, limit_bytes }),
        ended: trans.__('The service has ended.')
      }
    : {
        read: (cursor, limit_bytes, rank) =>
          api.call('jobs.logs', { job, rank, cursor, limit_bytes }),
        ranks: np,
        ended: trans.__('The job has ended.')
      };
}
