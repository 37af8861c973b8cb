// Replaces an exported function of a module for a time. The program runs as CommonJS, where a caller looks up an
// imported function in its module's exports at each call. Calls within the module itself do not change.

/** Other modules call the result of `wrap` instead of the function `name`, until the returned function is called. */
export function replace<M extends object, K extends keyof M>(
  module: M, name: K, wrap: (original: M[K]) => M[K],
): () => void {
  const original = module[name];
  Object.assign(module, { [name]: wrap(original) });
  return () => {
    Object.assign(module, { [name]: original });
  };
}
