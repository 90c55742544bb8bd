/**
 * What stands in a notebook for a widget of ours, with the registry of renderers that Lab has.
 */
import { MimeModel, RenderMimeRegistry, standardRendererFactories } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';

import { addStills, VIEW, WIDGET } from '../src/notebooks/stills';
import { until } from './setting/server';

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"></svg>';

function bundle(text = 'two runs') {
  return {
    [VIEW]: { version: 1 },
    [WIDGET]: { model_id: 'abc' },
    'image/svg+xml': [SVG.slice(0, 10), SVG.slice(10)] as unknown as string,
    'text/plain': text
  };
}

/** A renderer of widgets as that of ipywidgets is: words, then the widget once its kernel came. */
function registryWith(kernel: Promise<void> | null): RenderMimeRegistry {
  const registry = new RenderMimeRegistry({ initialFactories: standardRendererFactories });
  if (kernel) {
    class Renderer extends Widget {
      async renderModel(): Promise<void> {
        this.node.textContent = 'Loading widget...';
        await kernel;
        this.node.replaceChildren(document.createElement('canvas'));
      }
    }
    const createRenderer = () => new Renderer();
    registry.addFactory({ safe: false, mimeTypes: [WIDGET], createRenderer }, -10);
  }
  addStills(registry);
  return registry;
}

function show(registry: RenderMimeRegistry, trusted: boolean) {
  const data = bundle();
  const type = registry.preferredMimeType(data, trusted ? 'any' : 'ensure')!;
  const renderer = registry.createRenderer(type);
  document.body.append(renderer.node);
  const say = (text: string) =>
    renderer.renderModel(new MimeModel({ data: bundle(text), trusted }));
  void say('two runs');
  return { node: renderer.node, say };
}

afterEach(() => document.body.replaceChildren());

test('a widget that is not there is shown as it was saved; nothing in its picture runs', async () => {
  const { node, say } = show(registryWith(new Promise(() => undefined)), true);
  expect(node.textContent).toBe('Loading widget...');
  await until(() => node.querySelector('img') !== null);
  expect(node.textContent).toMatch(/^two runsAs it was/);
  expect(decodeURIComponent(node.querySelector('img')!.src)).toContain(SVG);
  void say('three runs');
  await until(() => node.textContent.startsWith('three runs'));
});

test('a widget that comes late takes the place of its picture', async () => {
  let come = () => undefined as void;
  const { node, say } = show(registryWith(new Promise(resolve => (come = resolve))), true);
  await until(() => node.querySelector('img') !== null);
  come();
  await until(() => node.querySelector('canvas') !== null);
  await until(() => node.querySelector('img') === null);
  const live = node.querySelector('canvas');
  await say('three runs');
  expect(node.querySelector('canvas')).toBe(live);
});

test('a notebook that is not trusted, or a Lab without widgets, shows the picture', async () => {
  const { node } = show(registryWith(Promise.resolve()), false);
  expect(node.querySelector('img')).not.toBeNull();
  expect(node.querySelector('canvas')).toBeNull();
  const other = show(registryWith(null), true);
  await until(() => other.node.querySelector('img') !== null);
});
