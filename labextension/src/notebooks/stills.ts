/**
 * Shows our widgets in notebooks; where a widget is not there (no kernel, a notebook of last week,
 * one that is not trusted), the picture and the text that were saved with it.
 */
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { Widget } from '@lumino/widgets';

import { trans } from '../i18n';

/** What our widgets add to what every widget says of itself. */
export const VIEW = 'application/vnd.aimass.view+json';
export const WIDGET = 'application/vnd.jupyter.widget-view+json';

/** Before ipywidgets' own, which is at -10: the lowest is asked first. */
const RANK = -20;
/** Long enough for a widget that is there. */
const PATIENCE_MS = 500;
const PICTURES = ['image/svg+xml', 'image/png'];

type Registry = NotebookPanel['content']['rendermime'];
type Renderer = ReturnType<Registry['createRenderer']>;
type Model = Parameters<Renderer['renderModel']>[0];
type Factory = Parameters<Registry['addFactory']>[0];

/** A notebook's renderers are its own: by them its widgets find its kernel. */
export function keepStills(tracker: INotebookTracker): void {
  tracker.forEach(panel => addStills(panel.content.rendermime));
  tracker.widgetAdded.connect((_, panel) => addStills(panel.content.rendermime));
}

export function addStills(registry: Registry): void {
  const createRenderer: Factory['createRenderer'] = () => {
    const isThere = registry.mimeTypes.includes(WIDGET);
    const renderer = isThere ? registry.createRenderer(WIDGET) : new NoWidgets();
    // It stays what it is, unwrapped: ipywidgets looks for its own when a kernel comes.
    const live = renderer.renderModel.bind(renderer);
    const view = new LiveOrStill(renderer.node, live);
    renderer.renderModel = model => view.render(model);
    return renderer;
  };
  registry.addFactory({ safe: true, mimeTypes: [VIEW], createRenderer }, RANK);
}

/** Stands where ipywidgets is not installed. */
class NoWidgets extends Widget {
  renderModel(): Promise<void> {
    return Promise.resolve();
  }
}

/** What is in the node of a renderer: its widget, or else the still. */
class LiveOrStill {
  constructor(
    private readonly _node: HTMLElement,
    private readonly _live: (model: Model) => Promise<void>
  ) {
    const observer = new MutationObserver(() => this._look());
    observer.observe(_node, { childList: true });
  }

  /** An output area calls this again whenever what is saved has changed. */
  render(model: Model): Promise<void> {
    this._still.replaceChildren(...partsOf(model.data));
    const id = idOf(model.data);
    if (!model.trusted) {
      this._node.replaceChildren(this._still);
    } else if (id !== this._id || !this._isLive) {
      this._id = id;
      // Not awaited: where no kernel comes, it never ends.
      void this._live(model);
      this._look();
    }
    return Promise.resolve();
  }

  private get _isLive(): boolean {
    return [...this._node.children].some(child => child !== this._still);
  }

  private _look(): void {
    clearTimeout(this._timer);
    if (this._isLive) {
      this._still.remove();
    } else if (!this._still.isConnected) {
      this._timer = setTimeout(() => this._giveUp(), PATIENCE_MS);
    }
  }

  /** In place of the words of a widget that does not come; it may come later all the same. */
  private _giveUp(): void {
    if (!this._isLive) {
      this._node.replaceChildren(this._still);
    }
  }

  private readonly _still = emptyStill();
  private _id = '';
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

function emptyStill(): HTMLElement {
  const still = document.createElement('figure');
  still.className = 'aimass-Still';
  still.dataset.testid = 'aimass-still';
  return still;
}

function idOf(data: Model['data']): string {
  return (data[WIDGET] as { model_id?: string } | undefined)?.model_id ?? '';
}

/** A picture as an image, in which nothing runs; and the text, which a screen reader reads. */
function partsOf(data: Model['data']): HTMLElement[] {
  const pictures = PICTURES.filter(type => type in data).slice(0, 1);
  return [
    ...pictures.map(type => pictureOf(type, textOf(data[type]))),
    filled('pre', textOf(data['text/plain'])),
    filled('figcaption', trans.__('As it was when it was saved. Run the cell to see it live.'))
  ];
}

function pictureOf(type: string, content: string): HTMLElement {
  const image = document.createElement('img');
  image.alt = '';
  image.src = type.endsWith('xml')
    ? `data:${type};charset=utf-8,${encodeURIComponent(content)}`
    : `data:${type};base64,${content.trim()}`;
  return image;
}

function filled(tag: string, text: string): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

/** Notebooks keep long texts as lines. */
function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join('') : typeof value === 'string' ? value : '';
}
