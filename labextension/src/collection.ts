/**
 * The things of one noun as the server lists them, kept up to date one request at a time, so that
 * an older answer never overwrites a newer one. It never decides when to look again.
 */
import { type ISignal, Signal } from '@lumino/signaling';

import { type AimassError, asAimassError } from './errors';

export interface INamed {
  readonly id: string;
  readonly name: string;
}

export interface ISource<T> {
  list(limit: number, nextToken: string | null): Promise<IPage<T>>;
  show(id: string): Promise<T>;
}

export interface IPage<T> {
  readonly items: T[];
  readonly next_token: string | null;
}

const PAGE = 100;
const LONGEST_PAGE = 500;

export class Collection<T extends INamed> {
  constructor(private readonly _source: ISource<T>) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get items(): readonly T[] {
    return this._items;
  }

  /** Whether the list was read at least once. */
  get isLoaded(): boolean {
    return this._isLoaded;
  }

  /** Whether the server has more than was read. */
  get hasMore(): boolean {
    return this._next !== null;
  }

  /** Why the last look failed; null when it did not. */
  get error(): AimassError | null {
    return this._error;
  }

  /** Read the list again, as far as it was read before. */
  refresh(): Promise<void> {
    return this._once('list', async () => {
      const limit = Math.min(LONGEST_PAGE, Math.max(PAGE, this._items.length));
      const page = await this._source.list(limit, null);
      this._items = page.items;
      this._next = page.next_token;
      this._isLoaded = true;
    });
  }

  /** Read the next page. */
  loadMore(): Promise<void> {
    return this._once('more', async () => {
      const page = await this._source.list(PAGE, this._next);
      const known = new Set(this._items.map(item => item.id));
      this._items = [...this._items, ...page.items.filter(item => !known.has(item.id))];
      this._next = page.next_token;
    });
  }

  /** Something happened to one of them: read it again; one that is new comes with the list. */
  touch(id: string): Promise<void> {
    if (!this._items.some(item => item.id === id)) {
      return this.refresh();
    }
    return this._once(id, async () => {
      const item = await this._source.show(id).catch(goneIsNull);
      this._items = this._items.flatMap(old => (old.id !== id ? [old] : item ? [item] : []));
    });
  }

  /** Change one in place; what the server says later wins. */
  patch(id: string, change: (item: T) => T): void {
    const items = this._items.map(item => (item.id === id ? change(item) : item));
    if (items.some((item, index) => item !== this._items[index])) {
      this._items = items;
      this._changed.emit();
    }
  }

  /** Run after what runs already; the same work that still waits is not asked for twice. */
  private _once(key: string, work: () => Promise<void>): Promise<void> {
    const waiting = this._waiting.get(key);
    if (waiting) {
      return waiting;
    }
    const turn = this._last.then(() => {
      this._waiting.delete(key);
      return this._guard(work);
    });
    this._waiting.set(key, turn);
    this._last = turn;
    return turn;
  }

  private async _guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this._error = null;
    } catch (reason) {
      this._error = asAimassError(reason);
    }
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _waiting = new Map<string, Promise<void>>();
  private _last: Promise<void> = Promise.resolve();
  private _items: readonly T[] = [];
  private _next: string | null = null;
  private _isLoaded = false;
  private _error: AimassError | null = null;
}

function goneIsNull(reason: unknown): null {
  if (asAimassError(reason).code === 'not-found') {
    return null;
  }
  throw reason;
}
