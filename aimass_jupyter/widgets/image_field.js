// A field for a picture: drawn with a pen, dropped, pasted or chosen; shown as the model gets it.

import { button, element, setText } from './dom.js';
import { bytesOf, isDarkOutside, largestOf, pictureShape, planesOf } from './pixels.js';

const PAD = 168;

export class ImageField {
  constructor(input, example, id) {
    this.input = input;
    this.size = pictureShape(input.shape);
    this.largest = largestOf(example ?? [1]);
    this.example = example;
    const [, height, width] = this.size;
    this.dark = !example || isDarkOutside(example, [height, width], this.largest);
    this.pad = element('canvas', {
      id,
      class: 'aimass-pad',
      width: PAD,
      height: Math.round((PAD * height) / width),
      tabindex: 0,
      role: 'img',
      'aria-label': `${input.name}: draw with the pointer, or drop a picture`,
      'data-testid': `aimass-pad-${input.name}`,
      onpointerdown: event => this.begin(event),
      onpointermove: event => this.move(event),
      onpointerup: () => (this.last = null),
      onpointercancel: () => (this.last = null),
      ondragover: event => event.preventDefault(),
      ondrop: event => this.drop(event),
      onpaste: event => this.take(event.clipboardData?.files?.[0], event)
    });
    this.context = this.pad.getContext('2d', { willReadFrequently: true });
    this.chooser = element('input', {
      type: 'file',
      accept: 'image/*',
      class: 'aimass-hidden',
      tabindex: -1,
      'aria-hidden': 'true',
      onchange: () => this.take(this.chooser.files[0])
    });
    this.note = element('span', { class: 'aimass-help', role: 'status' });
    this.element = element('div', { class: 'aimass-field aimass-picture' }, ...this.parts(id));
    this.clear();
    if (example) this.showExample();
  }

  parts(id) {
    const named = what => ({ 'aria-label': `${this.input.name}: ${what}` });
    return [
      element('label', { for: id }, this.input.name),
      this.pad,
      element(
        'span',
        { class: 'aimass-tools' },
        button('Clear', () => this.clear(), named('clear the picture')),
        button('Choose…', () => this.chooser.click(), named('choose a picture')),
        button('Invert', () => this.invert(), named('swap dark and bright')),
        this.example ? button('Example', () => this.showExample(), named('show the example')) : null
      ),
      this.chooser,
      element('span', { class: 'aimass-help' }, `Draw, or drop a picture: ${this.sizeText()}.`),
      this.note
    ];
  }

  sizeText() {
    const [channels, height, width] = this.size;
    return `${width} × ${height}, ${channels === 1 ? 'grey' : 'coloured'}`;
  }

  clear() {
    this.context.fillStyle = this.dark ? 'black' : 'white';
    this.context.fillRect(0, 0, this.pad.width, this.pad.height);
    this.empty = true;
    this.exact = null;
    setText(this.note, '');
  }

  invert() {
    this.context.globalCompositeOperation = 'difference';
    this.context.fillStyle = 'white';
    this.context.fillRect(0, 0, this.pad.width, this.pad.height);
    this.context.globalCompositeOperation = 'source-over';
    this.dark = !this.dark;
    this.exact = null;
  }

  begin(event) {
    event.preventDefault();
    this.pad.focus();
    this.pad.setPointerCapture?.(event.pointerId);
    this.last = this.place(event);
    this.move(event);
  }

  move(event) {
    if (!this.last) return;
    const next = this.place(event);
    this.context.strokeStyle = this.dark ? 'white' : 'black';
    this.context.lineWidth = Math.max(PAD / 9, (1.3 * PAD) / this.size[2]); // seen when small
    this.context.lineCap = 'round';
    this.context.beginPath();
    this.context.moveTo(this.last.x, this.last.y);
    this.context.lineTo(next.x, next.y + 0.01);
    this.context.stroke();
    this.last = next;
    this.empty = false;
    this.exact = null;
  }

  place(event) {
    const box = this.pad.getBoundingClientRect();
    const scale = this.pad.width / box.width;
    return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
  }

  drop(event) {
    event.stopPropagation();
    this.take(event.dataTransfer?.files?.[0], event);
  }

  /** Show a picture file, whole, in the middle. */
  async take(file, event) {
    if (!file) return;
    event?.preventDefault();
    try {
      const picture = await createImageBitmap(file);
      this.clear();
      const scale = Math.min(this.pad.width / picture.width, this.pad.height / picture.height);
      const [width, height] = [picture.width * scale, picture.height * scale];
      const [x, y] = [(this.pad.width - width) / 2, (this.pad.height - height) / 2];
      this.context.drawImage(picture, x, y, width, height);
      this.empty = false;
      setText(this.note, file.name);
    } catch {
      setText(this.note, `${file.name} is no picture that this browser can read.`);
    }
  }

  showExample() {
    const [, height, width] = this.size;
    const small = element('canvas', { width, height });
    const pixels = new ImageData(bytesOf(this.example, this.size, this.largest), width, height);
    small.getContext('2d').putImageData(pixels, 0, 0);
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(small, 0, 0, this.pad.width, this.pad.height);
    this.context.imageSmoothingEnabled = true;
    this.empty = false;
    this.exact = this.example; // as it is, for a picture is smoothed when it is made small
    setText(this.note, 'The example of the model.');
  }

  /** The numbers that the model takes; a fault when nothing is drawn. */
  read() {
    if (this.empty) return { fault: 'draw something, or drop a picture' };
    if (this.exact) return { value: this.exact };
    const [, height, width] = this.size;
    const small = element('canvas', { width, height });
    const context = small.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.pad, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    const planes = planesOf(data, this.size, this.largest);
    return { value: this.input.shape.length > 3 ? planes : planes[0] };
  }

  focus() {
    this.pad.focus();
  }
}
