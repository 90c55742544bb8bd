/**
 * The one event stream of a page: it opens, resumes after the last sequence number that it saw,
 * and tries again with growing pauses. It never decides what an event means.
 */
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Api } from './api';
import { type AimassError, asAimassError, offline } from './errors';
import type { Event } from './schema';
import { EventDecoder, type IMessage } from './sse';

/** A message that is not kept: it says how things are now (`jobs.progress`). */
export interface IAside {
  readonly topic: string;
  readonly data: unknown;
}

export interface ITiming {
  /** The pause after the first failure; each next one is twice as long. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** A connection that says nothing for so long (no heartbeat either) is dead. */
  readonly silenceMs: number;
}

const TIMING: ITiming = { firstPauseMs: 500, longestPauseMs: 30_000, silenceMs: 45_000 };

export class EventStream implements IDisposable {
  constructor(
    private readonly _api: Api,
    private readonly _timing: ITiming = TIMING
  ) {}

  /** Open (again): whatever was read before may have changed meanwhile. */
  get opened(): ISignal<this, void> {
    return this._opened;
  }

  get event(): ISignal<this, Event> {
    return this._event;
  }

  get aside(): ISignal<this, IAside> {
    return this._aside;
  }

  /** Not connected, and why. */
  get failed(): ISignal<this, AimassError> {
    return this._failed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Connect, and stay connected until disposed. */
  start(): void {
    void this._run();
  }

  /** Do not wait for the pause to end. */
  retry(): void {
    this._wake();
  }

  /**
   * Hold no connection until woken; a browser has six for a server, and a page that nobody looks
   * at must not keep one from the others. What happens meanwhile is told on waking.
   */
  sleep(): void {
    this._isAsleep = true;
    this._connection.abort();
  }

  wake(): void {
    this._isAsleep = false;
    this._wake();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._watchdog);
    this._connection.abort();
    this._wake();
    Signal.clearData(this);
  }

  private async _run(): Promise<void> {
    while (!this._isDisposed) {
      if (this._isAsleep) {
        await new Promise<void>(resolve => (this._wake = resolve));
        continue;
      }
      const error = await this._follow().then(offline, asAimassError);
      clearTimeout(this._watchdog);
      if (!this._isAsleep && !this._isDisposed) {
        this._failed.emit(error);
        await this._pause(error);
      }
    }
  }

  /** Connect and read to the end, which comes only when something breaks. */
  private async _follow(): Promise<void> {
    this._connection = new AbortController();
    await this._api.load();
    await this._checkHistory();
    const after = this._sequence;
    this._expectSomething();
    const response = await this._api.open('events.stream', { after }, this._connection.signal);
    this._failures = 0;
    this._opened.emit();
    await this._read(response);
  }

  /**
   * Forget the sequence number when the server's history is not the one it belongs to (another
   * data folder): resuming after it would hide every event up to there.
   */
  private async _checkHistory(): Promise<void> {
    if (this._sequence === null) {
      return;
    }
    const after = Math.max(0, this._sequence - 1);
    const page = await this._api.call('events.list', { after, limit: 1 });
    if (page.items.length === 0) {
      this._sequence = null;
    }
  }

  private async _read(response: Response): Promise<void> {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const decoder = new EventDecoder();
    while (reader && !this._isDisposed) {
      this._expectSomething();
      const { done, value } = await reader.read().catch(() => ({ done: true, value: '' }));
      if (done) {
        return;
      }
      decoder.push(value ?? '').forEach(message => this._deliver(message));
    }
  }

  /** A heartbeat comes every 15 seconds; a connection that is silent for longer is given up. */
  private _expectSomething(): void {
    clearTimeout(this._watchdog);
    this._watchdog = setTimeout(() => this._connection.abort(), this._timing.silenceMs);
  }

  private _deliver({ id, topic, data }: IMessage): void {
    if (id === null) {
      this._aside.emit({ topic, data: JSON.parse(data) });
      return;
    }
    const sequence = Number(id);
    // The overlap of replay and live may send one twice.
    if (this._sequence === null || sequence > this._sequence) {
      this._sequence = sequence;
      this._event.emit(JSON.parse(data) as Event);
    }
  }

  /** Wait before the next try: longer each time, and not in step with other pages. */
  private _pause({ retryAfterSeconds }: AimassError): Promise<void> {
    const { firstPauseMs, longestPauseMs } = this._timing;
    const grown = Math.min(longestPauseMs, firstPauseMs * 2 ** this._failures++);
    const wait = Math.max((retryAfterSeconds ?? 0) * 1000, grown * (0.75 + Math.random() / 4));
    return new Promise(resolve => {
      const timer = setTimeout(resolve, Math.min(wait, longestPauseMs));
      this._wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private readonly _opened = new Signal<this, void>(this);
  private readonly _event = new Signal<this, Event>(this);
  private readonly _aside = new Signal<this, IAside>(this);
  private readonly _failed = new Signal<this, AimassError>(this);
  private _connection = new AbortController();
  private _wake: () => void = () => undefined;
  private _watchdog: ReturnType<typeof setTimeout> | undefined;
  private _failures = 0;
  private _sequence: number | null = null;
  private _isAsleep = false;
  private _isDisposed = false;
}
