/**
 * The live picture of the control plane: four lists, the status and the connection, each refreshed
 * by what the event stream says. It shows nothing and asks nobody.
 */
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Api, OperationName } from './api';
import { Collection, type INamed, type IPage } from './collection';
import type { Endpoint, Event, Identity, Job, Model, Progress, Service, Status } from './schema';
import type { EventStream, IAside } from './stream';
import type { Connection, IAimass } from './tokens';

const STATUS_PAUSE_MS = 300;

export class AimassModel implements IAimass, IDisposable {
  constructor(
    readonly api: Api,
    private readonly _stream: EventStream
  ) {
    this.jobs = collection(api, 'jobs', 'job');
    this.models = collection(api, 'models', 'model');
    this.endpoints = collection(api, 'endpoints', 'endpoint');
    this.services = collection(api, 'services', 'service');
    _stream.opened.connect(() => void this._onOpened(), this);
    _stream.event.connect((_, event) => this._onEvent(event), this);
    _stream.aside.connect((_, aside) => this._onAside(aside), this);
    _stream.failed.connect((_, error) => this._connect({ state: 'down', error }), this);
  }

  readonly jobs: Collection<Job>;
  readonly models: Collection<Model>;
  readonly endpoints: Collection<Endpoint>;
  readonly services: Collection<Service>;

  get connection(): Connection {
    return this._connection;
  }

  get status(): Status | null {
    return this._status;
  }

  get identity(): Identity | null {
    return this._identity;
  }

  get changed(): ISignal<IAimass, void> {
    return this._changed;
  }

  get happened(): ISignal<IAimass, Event> {
    return this._happened;
  }

  get isDisposed(): boolean {
    return this._stream.isDisposed;
  }

  start(): void {
    this._stream.start();
  }

  retry(): void {
    this._stream.retry();
  }

  may(operation: string): boolean {
    const card = this.api.operations.get(operation);
    return !!card && (this._identity?.permissions.includes(card.permission) ?? false);
  }

  async refresh(): Promise<void> {
    const lists = [this.jobs, this.models, this.endpoints, this.services];
    await Promise.all([this._readStatus(), ...lists.map(list => list.refresh())]);
  }

  dispose(): void {
    clearTimeout(this._statusTimer);
    this._stream.dispose();
    Signal.clearData(this);
  }

  private async _onOpened(): Promise<void> {
    this._identity = await this.api.call('system.whoami', {}).catch(() => null);
    this._connect({ state: 'live' });
    await this.refresh();
  }

  private _onEvent(event: Event): void {
    void this._listOf(event.topic)?.touch(event.subject);
    clearTimeout(this._statusTimer);
    this._statusTimer = setTimeout(() => void this._readStatus(), STATUS_PAUSE_MS);
    this._happened.emit(event);
  }

  private _onAside({ topic, data }: IAside): void {
    if (topic === 'jobs.progress') {
      const { job, progress } = data as { job: string; progress: Progress };
      this.jobs.patch(job, old => ({ ...old, progress }));
    }
  }

  private _listOf(topic: string): { touch(id: string): Promise<void> } | undefined {
    const { jobs, models, endpoints, services } = this;
    const lists = { jobs, models, endpoints, services };
    return lists[topic.split('.')[0] as Noun];
  }

  private async _readStatus(): Promise<void> {
    // The header shows the last status that could be read; the stream says when nothing can be.
    this._status = await this.api.call('system.status', {}).catch(() => this._status);
    this._changed.emit();
  }

  private _connect(connection: Connection): void {
    this._connection = connection;
    this._changed.emit();
  }

  private readonly _changed = new Signal<IAimass, void>(this);
  private readonly _happened = new Signal<IAimass, Event>(this);
  private _connection: Connection = { state: 'connecting' };
  private _status: Status | null = null;
  private _identity: Identity | null = null;
  private _statusTimer: ReturnType<typeof setTimeout> | undefined;
}

type Noun = 'jobs' | 'models' | 'endpoints' | 'services';

/** A noun's `list` and `show` as the source of a collection. */
function collection<T extends INamed>(api: Api, noun: Noun, field: string): Collection<T> {
  const ask = (name: OperationName, values: Record<string, unknown>) =>
    api.perform(api.card(name), values);
  return new Collection<T>({
    list: async (limit, next_token) =>
      (await ask(`${noun}.list`, { limit, next_token })) as IPage<T>,
    show: async id => (await ask(`${noun}.show`, { [field]: id })) as T
  });
}
