/**
 * The live picture of the control plane: lists, the status and the connection, each refreshed by
 * what the event stream says. A list is read only once somebody follows it. It shows nothing.
 */
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Api } from './api';
import { Collection, type INamed, type IPage } from './collection';
import type {
  Cluster,
  Dataset,
  Endpoint,
  Event,
  Identity,
  Job,
  Model,
  Progress,
  Run,
  Service,
  Status
} from './schema';
import type { EventStream, IAside } from './stream';
import type { Connection, IAimass } from './tokens';

const STATUS_PAUSE_MS = 300;
/** As often as the server looks at its GPUs. */
const GPU_PAUSE_MS = 10_000;
/**
 * Lists that change with another noun, under ids of their own: a run has its job's state, and jobs
 * take the slots of clusters.
 */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  jobs: ['runs', 'clusters'],
  nodes: ['clusters']
};

export class AimassModel implements IAimass, IDisposable {
  constructor(
    readonly api: Api,
    private readonly _stream: EventStream
  ) {
    _stream.opened.connect(() => void this._onOpened(), this);
    _stream.event.connect((_, event) => this._onEvent(event), this);
    _stream.aside.connect((_, aside) => this._onAside(aside), this);
    _stream.failed.connect((_, error) => this._connect({ state: 'down', error }), this);
  }

  get jobs(): Collection<Job> {
    return this.follow('jobs', 'job');
  }

  get models(): Collection<Model> {
    return this.follow('models', 'model');
  }

  get endpoints(): Collection<Endpoint> {
    return this.follow('endpoints', 'endpoint');
  }

  get services(): Collection<Service> {
    return this.follow('services', 'service');
  }

  get datasets(): Collection<Dataset> {
    return this.follow('datasets', 'dataset');
  }

  get runs(): Collection<Run> {
    return this.follow('runs', 'run');
  }

  get clusters(): Collection<Cluster> {
    return this.follow('clusters', 'cluster');
  }

  follow<T extends INamed>(noun: string, field: string): Collection<T> {
    const known = this._lists.get(noun) as Collection<T> | undefined;
    const list = known ?? collection<T>(this.api, noun, field);
    this._lists.set(noun, list as Collection<never>);
    if (!known && this._connection.state === 'live') {
      void this._refreshList(noun);
    }
    return list;
  }

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
    const nouns = [...this._lists.keys()];
    await Promise.all([this._readStatus(), ...nouns.map(noun => this._refreshList(noun))]);
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
    const noun = event.topic.split('.')[0];
    void this._lists.get(noun)?.touch(event.subject);
    for (const also of ALSO[noun] ?? []) {
      if (this._lists.has(also)) {
        void this._refreshList(also);
      }
    }
    this._readStatusIn(STATUS_PAUSE_MS);
    this._happened.emit(event);
  }

  private _onAside({ topic, data }: IAside): void {
    if (topic === 'jobs.progress') {
      const { job, progress } = data as { job: string; progress: Progress };
      this.jobs.patch(job, old => ({ ...old, progress }));
    }
  }

  /** Read a list, if this person may see it: what is not theirs stays empty. */
  private async _refreshList(noun: string): Promise<void> {
    const known = this.api.operations.has(`${noun}.list`);
    if (known && (this._identity === null || this.may(`${noun}.list`))) {
      await this._lists.get(noun)?.refresh();
    }
  }

  private async _readStatus(): Promise<void> {
    // The header shows the last status that could be read; the stream says when nothing can be.
    this._status = await this.api.call('system.status', {}).catch(() => this._status);
    if (this._status && isBusyWithGpus(this._status) && !document.hidden) {
      this._readStatusIn(GPU_PAUSE_MS);
    }
    this._changed.emit();
  }

  /** A look that comes sooner stays as it is: in a storm of events each would put it off. */
  private _readStatusIn(milliseconds: number): void {
    const due = Date.now() + milliseconds;
    if (due >= this._statusDue) {
      return;
    }
    clearTimeout(this._statusTimer);
    this._statusDue = due;
    this._statusTimer = setTimeout(() => {
      this._statusDue = Infinity;
      void this._readStatus();
    }, milliseconds);
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
  private _statusDue = Infinity;
  private _statusTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly _lists = new Map<string, Collection<never>>();
}

/** Whether the status changes without an event: how busy the GPUs are, while something runs. */
function isBusyWithGpus({ gpu_percent: busy, jobs }: Status): boolean {
  return busy != null && (jobs.running ?? 0) > 0;
}

/** A noun's `list` and `show` as the source of a collection. */
function collection<T extends INamed>(api: Api, noun: string, field: string): Collection<T> {
  const ask = (name: string, values: Record<string, unknown>) =>
    api.perform(api.card(name), values);
  return new Collection<T>({
    list: async (limit, next_token) =>
      (await ask(`${noun}.list`, { limit, next_token })) as IPage<T>,
    show: async id => (await ask(`${noun}.show`, { [field]: id })) as T
  });
}
