/**
 * What the plugins share: the live picture of the control plane, under one token.
 */
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { Api } from './api';
import type { Collection } from './collection';
import type { AimassError } from './errors';
import type { Endpoint, Event, Identity, Job, Model, Service, Status } from './schema';

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

  readonly connection: Connection;
  readonly status: Status | null;
  readonly identity: Identity | null;

  /** The connection, the status, the identity or the operation table is another now. */
  readonly changed: ISignal<IAimass, void>;
  /** Something happened on the control plane. */
  readonly happened: ISignal<IAimass, Event>;

  /** Whether the server has this operation and lets this person use it. */
  may(operation: string): boolean;
  /** Connect now, without waiting for the next try. */
  retry(): void;
  /** Read everything again. */
  refresh(): Promise<void>;
}

export const IAimass = new Token<IAimass>(
  'aimass-jupyter:IAimass',
  'Jobs, models, endpoints and services of AI Mass, live.'
);
