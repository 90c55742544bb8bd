// Elements from plain data. What comes from outside becomes text nodes and attribute values only.

const SVG = 'http://www.w3.org/2000/svg';

/** Set attributes; `on…` is a listener, null and false leave an attribute out. */
function decorate(node, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(name, value === true ? '' : String(value));
  }
  return node;
}

/** Make an HTML element; children are elements or text. */
export function element(tag, properties = {}, ...children) {
  const node = decorate(document.createElement(tag), properties);
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
}

/** Make an SVG element. */
export function shape(tag, properties = {}, ...children) {
  const node = decorate(document.createElementNS(SVG, tag), properties);
  node.append(...children);
  return node;
}

/** Change text only when it differs: a screen reader announces what is written again. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function button(label, onclick, properties = {}) {
  return element(
    'button',
    { type: 'button', class: 'aimass-button', onclick, ...properties },
    label
  );
}

/** Fill a box that announces errors; no problem empties it. */
export function showProblem(box, problem) {
  const key = JSON.stringify(problem ?? null);
  if (box.dataset.shown === key) return;
  box.dataset.shown = key;
  box.hidden = !problem;
  box.replaceChildren(...(problem ? problemLines(problem) : []));
}

function problemLines({ message, hint, details = [] }) {
  const each = details.length > 1 ? details.map(entry => element('div', {}, describe(entry))) : [];
  const cure = hint ? [element('div', {}, `→ ${hint}`)] : [];
  return [element('strong', {}, message), ...each, ...cure];
}

/** One of several faults: what has it, and what is wrong with it. */
function describe(entry) {
  if (entry.field && entry.message) return `${entry.field}: ${entry.message}`;
  return Object.entries(entry)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' · ');
}

/** Call `draw` before the next frame, however often it is asked for. */
function eachFrame(draw) {
  let asked = 0;
  const ask = () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      draw();
    });
  };
  ask.cancel = () => cancelAnimationFrame(asked);
  return ask;
}

/**
 * Draw when a trait of the model has changed, or one of `watchers` is called: once a frame. What
 * comes back asks for one drawing more; its `end` ends it all.
 */
export function drawOnChange(model, traits, update, watchers = new Set()) {
  const draw = eachFrame(update);
  for (const trait of traits) model.on(`change:${trait}`, draw);
  watchers.add(draw);
  draw.end = () => {
    draw.cancel();
    watchers.delete(draw);
    for (const trait of traits) model.off(`change:${trait}`, draw);
  };
  return draw;
}

/** Put a view into the page; what comes back takes it down. */
export function mount(el, view) {
  el.append(view.element);
  return () => view.dispose();
}
