// In:    what code of the application's has thrown.
// Out:   the same, thrown in a microtask.
// Never: swallows an error.

/** For what has to be done all the same: with the connection, or with the others. */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
