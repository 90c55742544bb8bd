/**
 * A page (jsdom) that can speak HTTP: jsdom has neither fetch nor streams, so Node's are used.
 * All of them, and together: Node's fetch takes no AbortSignal but Node's own.
 */
const { TestEnvironment } = require('jest-environment-jsdom');

const NODES_OWN = [
  'fetch',
  'Request',
  'Response',
  'Headers',
  'Blob',
  'File',
  'AbortController',
  'AbortSignal',
  'ReadableStream',
  'TextEncoder',
  'TextDecoder',
  'TextDecoderStream',
  'TransformStream',
  'structuredClone'
];

module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    for (const name of NODES_OWN) {
      this.global[name] = globalThis[name];
    }
    this.global.Uint8Array = Uint8Array;
  }
};
