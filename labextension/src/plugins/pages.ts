/**
 * Opens things as pages in the main area, also from an address (`…/lab?aimass=jobs/job_…`), and
 * brings them back after a reload.
 */
import {
  ILayoutRestorer,
  IRouter,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { type MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';

import { CommandActions } from '../actions';
import { CommandIDs } from '../commands';
import { trans } from '../i18n';
import { addressOf, type IPageArgs, pageId, pageTab } from '../pages/page';
import { IAimass, type IPage, IPages } from '../tokens';
import { hasTabs, openAside } from './places';

const ADDRESS = /[?&]aimass=([\w-]+)\/([^&#]+)/;

export const pagesPlugin: JupyterFrontEndPlugin<IPages> = {
  id: 'aimass-jupyter:pages',
  description: 'Shows jobs, models, datasets and more as pages.',
  autoStart: true,
  requires: [IAimass],
  optional: [ILayoutRestorer, IRouter],
  provides: IPages,
  activate: (
    app: JupyterFrontEnd,
    aimass: IAimass,
    restorer: ILayoutRestorer | null,
    router: IRouter | null
  ) => {
    const pages = new Pages(app, aimass);
    app.commands.addCommand(CommandIDs.openPage, {
      label: trans.__('AI Mass: Open Page'),
      execute: args => pages.open(args as unknown as IPageArgs)
    });
    void restorer?.restore(pages.tabs, {
      command: CommandIDs.openPage,
      args: tab => ({ ...pages.argsOf(tab) }),
      name: tab => tab.id
    });
    if (router) {
      followAddresses(app, router);
    }
    return pages;
  }
};

class Pages implements IPages {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _aimass: IAimass
  ) {}

  readonly tabs = new WidgetTracker<MainAreaWidget>({ namespace: 'aimass-pages' });

  add(page: IPage): void {
    this._pages.set(page.noun, page);
  }

  argsOf(tab: MainAreaWidget): IPageArgs | undefined {
    return this._args.get(tab.id);
  }

  /** Show a page: the one that is open, or a new one. A noun that is switched off has none. */
  open(args: IPageArgs): void {
    if (!hasTabs(this._app)) {
      openAside(addressOf(args));
      return;
    }
    const page = this._pages.get(args.noun);
    const id = pageId(args);
    const { shell } = this._app;
    if (page && !this.tabs.find(tab => tab.id === id)) {
      const actions = new CommandActions(this._app.commands, this._aimass);
      this._args.set(id, args);
      const tab = pageTab(page, args, { aimass: this._aimass, actions });
      shell.add(tab, 'main');
      void this.tabs.add(tab);
    }
    shell.activateById(id);
  }

  private readonly _pages = new Map<string, IPage>();
  private readonly _args = new Map<string, IPageArgs>();
}

function followAddresses(app: JupyterFrontEnd, router: IRouter): void {
  app.commands.addCommand(CommandIDs.followAddress, {
    label: trans.__('AI Mass: Follow Address'),
    execute: args => {
      const { search = '' } = args as unknown as IRouter.ILocation;
      const [, noun = '', id = ''] = ADDRESS.exec(search) ?? [];
      if (noun) {
        const page = { noun, id: decodeURIComponent(id), label: '' };
        void app.restored.then(() => app.commands.execute(CommandIDs.openPage, page));
      }
    }
  });
  router.register({ command: CommandIDs.followAddress, pattern: ADDRESS });
}
