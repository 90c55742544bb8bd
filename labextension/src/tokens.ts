/**
 * What the plugins share: the live picture of the control plane, the side panel that takes
 * sections, and the main area that takes pages; each under a token of its own.
 */
import type { LabIcon } from '@jupyterlab/ui-components';
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { IActions } from './actions';
import type { Api } from './api';
import type { Collection, INamed } from './collection';
import type { AimassError } from './errors';
import type {
  Cluster,
  Dataset,
  Endpoint,
  Event,
  Identity,
  Job,
  Model,
  Run,
  Service,
  Status
} from './schema';

export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | { readonly state: 'down'; readonly error: AimassError };

/** The control plane as this page sees it, refreshed by its events. */
export interface IAimass {
  readonly api: Api;
  readonly jobs: Collection<Job>;
  readonly models: Collection<Model>;
  readonly endpoints: Collection<Endpoint>;
  readonly services: Collection<Service>;
  readonly datasets: Collection<Dataset>;
  readonly runs: Collection<Run>;
  readonly clusters: Collection<Cluster>;

  readonly connection: Connection;
  readonly status: Status | null;
  readonly identity: Identity | null;

  /** The connection, the status, the identity or the operation table is another now. */
  readonly changed: ISignal<IAimass, void>;
  /** Something happened on the control plane. */
  readonly happened: ISignal<IAimass, Event>;

  /**
   * The things of a noun, kept up to date from the first time that somebody asks for them.
   *
   * @param field - what its `show` calls the id, such as `job`.
   */
  follow<T extends INamed>(noun: string, field: string): Collection<T>;
  /** Whether the server has this operation and lets this person use it. */
  may(operation: string): boolean;
  /** Connect now, without waiting for the next try. */
  retry(): void;
  /** Read everything again. */
  refresh(): Promise<void>;
}

export const IAimass = new Token<IAimass>(
  'aimass-jupyter:IAimass',
  'Jobs, models, endpoints, services, datasets, runs and clusters of AI Mass, live.'
);

/** What every view is given. */
export interface IViewProps {
  readonly aimass: IAimass;
  readonly actions: IActions;
}

export interface ISectionViewProps extends IViewProps {
  /** Only what contains this text is shown. */
  readonly filter: string;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

/** A section of the side panel. */
export interface ISection {
  readonly noun: string;
  /** Where it stands among the others: the lowest first. */
  readonly rank: number;
  /** Whether it is folded until somebody opens it. */
  readonly isFolded?: boolean;
  readonly view: React.ComponentType<ISectionViewProps>;
}

/** The side panel of AI Mass, which each noun gives a section. */
export interface IPanel {
  add(section: ISection): void;
}

export const IPanel = new Token<IPanel>(
  'aimass-jupyter:IPanel',
  'The side panel of AI Mass: takes a section for each noun.'
);

export interface IPageViewProps extends IViewProps {
  /** Which one it is. */
  readonly id: string;
}

/** How one thing of a noun is shown in the main area. */
export interface IPage {
  readonly noun: string;
  readonly icon: LabIcon;
  readonly view: React.ComponentType<IPageViewProps>;
}

/** Pages of AI Mass in the main area; each has an address and comes back after a reload. */
export interface IPages {
  add(page: IPage): void;
}

export const IPages = new Token<IPages>(
  'aimass-jupyter:IPages',
  'Pages of AI Mass in the main area: takes one for each noun.'
);
