/**
 * A page in the main area: one thing of a noun, once the page is connected; with an address that
 * can be copied. It comes back after a reload.
 */
import { MainAreaWidget } from '@jupyterlab/apputils';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import { linkIcon, ReactWidget } from '@jupyterlab/ui-components';
import React, { useCallback, useRef } from 'react';

import { trans } from '../i18n';
import { Connections, useSignal } from '../panel/hooks';
import { IconButton } from '../panel/parts';
import type { Connection, IPage, IViewProps } from '../tokens';
import { Naming } from './parts';

/** What names a page, and is kept to open it again. */
export interface IPageArgs {
  readonly noun: string;
  readonly id: string;
  /** What the tab is called; empty where only an address is known: then what is shown names it. */
  readonly label: string;
}

export function pageId({ noun, id }: IPageArgs): string {
  return `aimass-page-${noun}-${id}`;
}

/** The path of Lab; Notebook 7 is another app beside it. */
function labPath(): string {
  const path = PageConfig.getOption('appUrl');
  return path.startsWith('/lab') ? path : '/lab';
}

/** The address that opens a page in Lab. */
export function addressOf({ noun, id }: IPageArgs): string {
  const lab = URLExt.join(PageConfig.getBaseUrl(), labPath());
  return `${lab}?aimass=${noun}/${encodeURIComponent(id)}`;
}

export function pageTab(page: IPage, args: IPageArgs, shared: IViewProps): MainAreaWidget {
  const rename = (name: string) => (tab.title.label = args.label || name);
  const content = ReactWidget.create(
    <PageFrame page={page} args={args} onName={rename} {...shared} />
  );
  content.addClass('aimass-Page');
  content.node.dataset.testid = 'aimass-page';
  content.node.tabIndex = 0;
  const tab: MainAreaWidget = new MainAreaWidget({ content });
  tab.id = pageId(args);
  tab.title.label = args.label || shortOf(args.id);
  tab.title.caption = `${args.noun} ${args.id}`;
  tab.title.icon = page.icon;
  tab.title.closable = true;
  return tab;
}

/** An id as a tab's label: `job_01J…` is too long for one. */
function shortOf(id: string): string {
  return id.length <= 16 ? id : `${id.slice(0, 4)}…${id.slice(-6)}`;
}

type IFrameProps = IViewProps & {
  page: IPage;
  args: IPageArgs;
  onName?: (name: string) => void;
};

export function PageFrame({ page, args, aimass, actions, onName }: IFrameProps): JSX.Element {
  useSignal(aimass.changed);
  const { connection } = aimass;
  const connections = useConnections(connection.state);
  const named = useRef(onName);
  const tell = useCallback((name: string) => named.current?.(name), []);
  return (
    <main className="aimass-Page-body" aria-label={args.label || shortOf(args.id)}>
      {connection.state === 'down' && (
        <p className="aimass-Down" role="alert">
          {connection.error.line}
        </p>
      )}
      {connections === 0 && connection.state === 'connecting' && <p>{trans.__('Connecting…')}</p>}
      {connections > 0 && (
        <Connections.Provider value={connections}>
          <Naming.Provider value={tell}>
            <page.view id={args.id} aimass={aimass} actions={actions} />
          </Naming.Provider>
          <footer className="aimass-Page-foot">
            <IconButton
              icon={linkIcon}
              label={trans.__('Copy the address of this page')}
              testId="aimass-page-link"
              onClick={() => actions.copy(addressOf(args))}
            />
          </footer>
        </Connections.Provider>
      )}
    </main>
  );
}

/** How often the page went live, this time included. */
function useConnections(state: Connection['state']): number {
  const seen = useRef({ count: 0, isLive: false });
  const isLive = state === 'live';
  if (isLive && !seen.current.isLive) {
    seen.current.count += 1;
  }
  seen.current.isLive = isLive;
  return seen.current.count;
}
