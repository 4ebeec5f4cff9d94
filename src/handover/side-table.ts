// In:    objects that are somebody else's, and what a gate learned of each.
// Out:   what it learned.
// Never: keeps an object alive, or shows on it.

/** Returns the object that it is given, so that the fields of a class that extends it are put on that object. */
class SocketDetails {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the point of it
    return object;
  }
}

/**
 * What a WeakMap does, as a private field on the object itself. A WeakMap that gets an entry for each request costs the
 * collector some 3 µs a request; this costs 0.1 µs, and ends with the object. Each instance has a field of its own.
 */
export class SideTable<Value> {
  readonly #marks = newMarks<Value>();

  set(object: object, value: Value): void {
    this.#marks.set(object, value);
  }

  /** Undefined for whatever has no entry, values that are not objects included. */
  get(object: unknown): Value | undefined {
    return this.#marks.get(object);
  }
}

function newMarks<Value>() {
  return class Mark extends SocketDetails {
    #value: Value;

    constructor(object: object, value: Value) {
      super(object);
      this.#value = value;
    }

    static set(object: object, value: Value): void {
      if (#value in object) object.#value = value;
      else new Mark(object, value);
    }

    static get(object: unknown): Value | undefined {
      const isObject = (typeof object === "object" && object !== null) || typeof object === "function";
      return isObject && #value in object ? object.#value : undefined;
    }
  };
}
