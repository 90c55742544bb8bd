// How views follow their widget: its traits, its messages, and that somebody looks at them.

import { drawOnChange } from './dom.js';
import { announce } from './views.js';

/** A view with charts over time: drawn when a trait has changed, and known to the kernel. */
export class WatchView {
  constructor(model, traits, charts) {
    this.model = model;
    this.charts = charts;
    this.build();
    this.draw = drawOnChange(model, traits, () => this.update());
    this.leave = announce(model);
    this.update();
    this.draw();
  }

  dispose() {
    this.leave();
    this.draw.end();
    this.charts.dispose();
  }
}

/** Keep the last message of a kind in the settings, where each view of the widget finds it. */
export function keepMessage(model, kind, settings) {
  model.on('msg:custom', message => {
    if (message.kind !== kind) return;
    settings[kind] = message;
    for (const watcher of settings.watchers) watcher();
  });
}
