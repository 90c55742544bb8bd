// Pixels of a picture as the numbers that a model takes. Pure.

/** The largest value that pixels have, told by an example: 1, 16 or 255. */
export function largestOf(example) {
  const highest = [example].flat(4).reduce((best, value) => Math.max(best, value), 0);
  return [1, 16, 255].find(limit => highest <= limit) ?? highest;
}

/** Whether an example is dark at its edge: then a drawing is bright on dark. */
export function isDarkOutside(example, [height, width], largest) {
  const flat = [example].flat(4);
  const plane = flat.slice(0, height * width);
  const edge = plane.filter((_, at) => {
    const [y, x] = [Math.floor(at / width), at % width];
    return y === 0 || x === 0 || y === height - 1 || x === width - 1;
  });
  return edge.reduce((sum, value) => sum + value, 0) < (edge.length * largest) / 2;
}

/** RGBA bytes as [channel][y][x] numbers between 0 and `largest`; whole ones where it is not 1. */
export function planesOf(bytes, [channels, height, width], largest, inverted = false) {
  const scaled = value => {
    const level = ((inverted ? 255 - value : value) * largest) / 255;
    return largest === 1 ? Number(level.toFixed(4)) : Math.round(level);
  };
  const at = (y, x) => (y * width + x) * 4;
  const grey = place => 0.299 * bytes[place] + 0.587 * bytes[place + 1] + 0.114 * bytes[place + 2];
  const plane = pick =>
    Array.from({ length: height }, (_, y) =>
      Array.from({ length: width }, (__, x) => scaled(pick(at(y, x))))
    );
  if (channels === 1) return [plane(grey)];
  return [0, 1, 2].map(channel => plane(place => bytes[place + channel]));
}

/** The same the other way: grey or coloured RGBA bytes of an example. */
export function bytesOf(planes, [channels, height, width], largest) {
  const flat = [planes].flat(4);
  const size = height * width;
  return Uint8ClampedArray.from({ length: size * 4 }, (_, at) => {
    const [pixel, channel] = [at >> 2, at & 3];
    if (channel === 3) return 255;
    return (flat[pixel + (channels === 1 ? 0 : channel * size)] * 255) / largest;
  });
}

/** Channels, height and width of an input's shape, whose first number is that of the rows. */
export function pictureShape(shape) {
  const [height, width] = shape.slice(-2);
  return [shape.length > 3 ? shape.at(-3) : 1, height, width];
}
