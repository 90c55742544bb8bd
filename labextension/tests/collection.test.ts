/**
 * A list that is kept up to date: order of answers, coalescing, pages.
 */
import { Collection, type INamed, type IPage } from '../src/collection';
import { AimassError } from '../src/errors';

interface IThing extends INamed {
  readonly state: string;
}

/** A source whose answers a test gives when it likes. */
class Source {
  things: IThing[] = [];
  readonly asked: string[] = [];
  readonly _waiting: (() => void)[] = [];
  isSlow = false;
  fault: AimassError | null = null;

  async list(limit: number, nextToken: string | null): Promise<IPage<IThing>> {
    this.asked.push(`list ${limit} ${nextToken}`);
    const start = Number(nextToken ?? 0);
    const items = this.things.slice(start, start + limit);
    await this._turn();
    const rest = this.things.length > start + limit;
    return { items, next_token: rest ? String(start + limit) : null };
  }

  async show(id: string): Promise<IThing> {
    this.asked.push(`show ${id}`);
    const found = this.things.find(thing => thing.id === id);
    await this._turn();
    if (!found) {
      throw new AimassError('not-found', `there is no thing '${id}'`);
    }
    return found;
  }

  answer(): void {
    this._waiting.shift()?.();
  }

  private async _turn(): Promise<void> {
    if (this.isSlow) {
      await new Promise<void>(resolve => this._waiting.push(resolve));
    }
    if (this.fault) {
      throw this.fault;
    }
  }
}

function thing(id: string, state = 'new'): IThing {
  return { id, name: id, state };
}

const soon = () => new Promise(resolve => setTimeout(resolve));

test('reads a first page, then more, none twice', async () => {
  const source = new Source();
  source.things = Array.from({ length: 150 }, (_, index) => thing(`t${index}`));
  const list = new Collection(source);
  await list.refresh();
  expect([list.items.length, list.hasMore]).toEqual([100, true]);
  source.things.unshift(thing('t-new'));
  await list.loadMore();
  expect([list.items.length, list.hasMore]).toEqual([150, false]);
  expect(new Set(list.items.map(({ id }) => id)).size).toBe(150);
});

test('a refresh reads as far as was read before', async () => {
  const source = new Source();
  source.things = Array.from({ length: 150 }, (_, index) => thing(`t${index}`));
  const list = new Collection(source);
  await list.refresh();
  await list.loadMore();
  await list.refresh();
  expect(source.asked.at(-1)).toBe('list 150 null');
});

test('an older answer never overwrites a newer one', async () => {
  const source = new Source();
  source.things = [thing('a', 'running')];
  const list = new Collection(source);
  await list.refresh();
  source.isSlow = true;
  const older = list.refresh();
  await soon();
  source.things = [thing('a', 'succeeded')];
  const newer = list.touch('a');
  source.answer();
  await older;
  await soon();
  source.answer();
  await newer;
  expect(list.items[0].state).toBe('succeeded');
});

test('a burst of events asks once', async () => {
  const source = new Source();
  source.things = Array.from({ length: 9 }, (_, index) => thing(`t${index}`));
  const list = new Collection(source);
  await list.refresh();
  source.asked.length = 0;
  await Promise.all([list.touch('t1'), list.touch('t1'), list.touch('t2')]);
  expect(source.asked).toEqual(['show t1', 'show t2']);
  source.asked.length = 0;
  await Promise.all([list.touch('t1'), list.touch('new'), list.touch('newer')]);
  expect(source.asked).toEqual(['list 100 null']);
  source.asked.length = 0;
  await Promise.all(source.things.map(({ id }) => list.touch(id)));
  expect(source.asked).toEqual(['list 100 null']);
});

test('who asks for more does not wait behind a storm of events', async () => {
  const source = new Source();
  source.things = Array.from({ length: 650 }, (_, index) => thing(`t${index}`));
  const list = new Collection(source);
  await list.refresh();
  source.isSlow = true;
  void list.touch('t0');
  await soon();
  for (let index = 1; index < 90; index += 1) {
    void list.touch(`t${index}`);
  }
  const more = list.loadMore();
  expect(list.isLoadingMore).toBe(true);
  source.answer();
  await soon();
  source.answer();
  await soon();
  expect([list.items.length, list.isLoadingMore]).toEqual([200, false]);
  source.answer();
  await more;
  expect(source.asked.slice(1)).toEqual(['show t0', 'list 100 100', 'list 200 null']);
});

test('a list longer than the longest page stays as long as it was', async () => {
  const source = new Source();
  source.things = Array.from({ length: 650 }, (_, index) => thing(`t${index}`));
  const list = new Collection(source);
  await list.refresh();
  while (list.hasMore) {
    await list.loadMore();
  }
  source.asked.length = 0;
  source.things.unshift(thing('new'));
  await list.touch('new');
  expect(source.asked).toEqual(['list 500 null', 'list 150 500']);
  expect([list.items.length, list.items[0].id, list.hasMore]).toEqual([650, 'new', true]);
});

test('an event whose look failed is not forgotten', async () => {
  const source = new Source();
  source.things = [thing('a', 'running'), thing('b')];
  const list = new Collection(source);
  await list.refresh();
  source.fault = new AimassError('busy', 'too many requests');
  await list.touch('a');
  source.fault = null;
  source.things = [thing('a', 'failed'), thing('b')];
  await list.touch('b');
  expect([list.items[0].state, list.error]).toEqual(['failed', null]);
});

test('an event that comes while its thing is read is not lost', async () => {
  const source = new Source();
  source.things = [thing('a', 'running')];
  const list = new Collection(source);
  await list.refresh();
  source.isSlow = true;
  const first = list.touch('a');
  await soon();
  source.things = [thing('a', 'failed')];
  const second = list.touch('a');
  source.answer();
  await first;
  await soon();
  source.answer();
  await second;
  expect(list.items[0].state).toBe('failed');
});

test('what is gone leaves the list', async () => {
  const source = new Source();
  source.things = [thing('a'), thing('b')];
  const list = new Collection(source);
  await list.refresh();
  source.things = [thing('b')];
  await list.touch('a');
  expect(list.items.map(({ id }) => id)).toEqual(['b']);
  expect(list.error).toBeNull();
});

test('keeps what it has when a look fails, and says why', async () => {
  const source = new Source();
  source.things = [thing('a')];
  const list = new Collection(source);
  await list.refresh();
  source.fault = new AimassError('busy', 'too many requests');
  await list.refresh();
  expect([list.items.length, list.error?.message]).toEqual([1, 'too many requests']);
  source.fault = null;
  await list.refresh();
  expect(list.error).toBeNull();
});

test('a patch of something else changes nothing', async () => {
  const source = new Source();
  source.things = [thing('a')];
  const list = new Collection(source);
  await list.refresh();
  let changes = 0;
  list.changed.connect(() => (changes += 1));
  list.patch('b', item => ({ ...item, state: 'x' }));
  expect(changes).toBe(0);
  list.patch('a', item => ({ ...item, state: 'x' }));
  expect([changes, list.items[0].state]).toEqual([1, 'x']);
});
