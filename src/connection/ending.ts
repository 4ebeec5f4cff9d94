// In:    an adoption.
// Out:   a promise of how it ends, made when it is first waited for.
// Never: rejects.

import type { End } from "../outcome/end.js";
import type { Adoption } from "./connection.js";

/**
 * What `adopt` returns. Few callers wait for it, and a promise with its functions would weigh more than all else that the
 * gate keeps for a connection that has not spoken.
 */
export class Ending implements Promise<End> {
  readonly #adoption: Adoption;
  #promise: Promise<End> | undefined;

  constructor(adoption: Adoption) {
    this.#adoption = adoption;
  }

  get [Symbol.toStringTag](): string {
    return "Promise";
  }

  #made(): Promise<End> {
    return (this.#promise ??= this.#adoption.ending());
  }

  // biome-ignore lint/suspicious/noThenProperty: it is awaited like any promise
  then<A = End, B = never>(
    fulfilled?: ((end: End) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#made().then(fulfilled, rejected);
  }

  catch<A = never>(rejected?: ((reason: unknown) => A | PromiseLike<A>) | null): Promise<End | A> {
    return this.#made().catch(rejected);
  }

  finally(always?: (() => void) | null): Promise<End> {
    return this.#made().finally(always);
  }
}
