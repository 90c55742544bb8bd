/** What Lab's packages ask of a browser while they load, and jsdom lacks. */
globalThis.DragEvent ??= class extends globalThis.Event {};
globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
globalThis.matchMedia ??= () => ({
  matches: false,
  addEventListener() {},
  removeEventListener() {}
});
globalThis.requestIdleCallback ??= work => setTimeout(work);
