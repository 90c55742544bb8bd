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
/** When more than so many have changed, the list is read instead of each of them. */
const FEW = 3;

/** What is to be read in the next turn. */
interface IWishes {
  all: boolean;
  more: boolean;
  readonly ids: Set<string>;
}

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

  /** Whether the next page was asked for, and is not here yet. */
  get isLoadingMore(): boolean {
    return this._wishes.more || this._isReadingMore;
  }

  /** Read the list again, as far as it was read before. */
  refresh(): Promise<void> {
    this._wishes.all = true;
    return this._soon();
  }

  /** Read the next page. */
  loadMore(): Promise<void> {
    if (this.isLoadingMore) {
      return this._last;
    }
    this._wishes.more = true;
    this._changed.emit();
    return this._soon();
  }

  /** Something happened to one of them: read it again; one that is new comes with the list. */
  touch(id: string): Promise<void> {
    this._wishes.ids.add(id);
    return this._soon();
  }

  /** Change one in place; what the server says later wins. */
  patch(id: string, change: (item: T) => T): void {
    const items = this._items.map(item => (item.id === id ? change(item) : item));
    if (items.some((item, index) => item !== this._items[index])) {
      this._items = items;
      this._changed.emit();
    }
  }

  /**
   * Grant what is wished for, all of it at once, after what runs already: a storm of events is one
   * reading of the list, and nobody who asks for more waits behind hundreds of single questions.
   */
  private _soon(): Promise<void> {
    this._turn ??= this._last = this._last.then(() => {
      const wishes = this._wishes;
      this._wishes = noWishes();
      this._turn = null;
      return this._grant(wishes);
    });
    return this._turn;
  }

  private async _grant({ all, more, ids }: IWishes): Promise<void> {
    this._isReadingMore = more;
    try {
      if (more && this.hasMore) {
        await this._readMore();
      }
      const known = new Set(this._items.map(item => item.id));
      if (all || this._isStale || ids.size > FEW || [...ids].some(id => !known.has(id))) {
        await this._readAll();
      } else {
        await this._readEach(ids);
      }
      this._error = null;
    } catch (reason) {
      // An event that was not looked into is not told again: the next look reads the list.
      this._isStale = true;
      this._error = asAimassError(reason);
    }
    this._isReadingMore = false;
    this._changed.emit();
  }

  private async _readAll(): Promise<void> {
    const wanted = Math.max(PAGE, this._items.length);
    let items: readonly T[] = [];
    let next: string | null = null;
    do {
      const page: IPage<T> = await this._source.list(
        Math.min(LONGEST_PAGE, wanted - items.length),
        next
      );
      items = joined(items, page.items);
      next = page.next_token;
    } while (next !== null && items.length < wanted);
    this._items = items;
    this._next = next;
    this._isLoaded = true;
    this._isStale = false;
  }

  private async _readMore(): Promise<void> {
    const page = await this._source.list(PAGE, this._next);
    this._items = joined(this._items, page.items);
    this._next = page.next_token;
    this._isReadingMore = false;
    this._changed.emit();
  }

  private async _readEach(ids: ReadonlySet<string>): Promise<void> {
    for (const id of ids) {
      const item = await this._source.show(id).catch(goneIsNull);
      this._items = this._items.flatMap(old => (old.id !== id ? [old] : item ? [item] : []));
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _wishes = noWishes();
  private _turn: Promise<void> | null = null;
  private _last: Promise<void> = Promise.resolve();
  private _items: readonly T[] = [];
  private _next: string | null = null;
  private _isLoaded = false;
  private _isStale = false;
  private _isReadingMore = false;
  private _error: AimassError | null = null;
}

function goneIsNull(reason: unknown): null {
  if (asAimassError(reason).code === 'not-found') {
    return null;
  }
  throw reason;
}

function noWishes(): IWishes {
  return { all: false, more: false, ids: new Set() };
}

/** One list after the other; what moved on while they were read is not in it twice. */
function joined<T extends INamed>(items: readonly T[], more: readonly T[]): readonly T[] {
  const known = new Set(items.map(item => item.id));
  return [...items, ...more.filter(item => !known.has(item.id))];
}
