// In:    the guards of one server, each of a gate of its own; upgrades that some of them have accepted.
// Out:   which guard has yet to rule on an upgrade, and once all have, who takes it.
// Never: rules on anything; lets an upgrade go on that a guard of its server has not ruled on.

import { type FramerLike, LEAVE } from "../handover/framer.js";
import type { Claimed } from "../outcome/context.js";
import type { Acceptance } from "../policy/decision.js";
import type { Policy } from "../policy/policy-rules.js";

/** What a guard is to the others of its server. */
export interface Member {
  /** Some upgrades go to framers of its own. */
  readonly hasFramers: boolean;
}

/** An upgrade on its way through the guards of its server. */
interface Passage<M> {
  /** Those that have accepted it. */
  readonly accepted: Map<M, Acceptance<FramerLike>>;
  /** By the one of them whose framer takes it; null where none does so far. */
  claimed: Claimed | null;
  /** Gives it to the server's other listeners, with the octets behind its head. */
  readonly leave: (rest: Uint8Array) => void;
}

/** Where a server has its guards. */
const GUARDS = Symbol("headgate.guards");

/** All guards of one server that are active. */
export class Guards<M extends Member> {
  readonly #server: object;
  readonly #members: M[] = [];
  /** Those whose functions are on the server, each over that of the one before it; some may have been released. */
  readonly #chain: M[] = [];
  /** By their sockets or streams. */
  readonly #passages = new WeakMap<object, Passage<M>>();
  /** Of upgrades on their way to the other listeners. */
  readonly #leaving = new WeakMap<object, Map<M, Acceptance<FramerLike>>>();

  private constructor(server: object) {
    this.#server = server;
  }

  static of<M extends Member>(server: object): Guards<M> {
    const guarded = server as { [GUARDS]?: Guards<M> };
    return guarded[GUARDS] ?? new Guards(server);
  }

  /** The newest last. */
  get members(): readonly M[] {
    return this.#members;
  }

  /** Throws `TypeError` where two guards would have framers: an upgrade can go to one alone. */
  check(policy: Policy<FramerLike>): void {
    const [claimed] = claimsOf(policy);
    if (claimed === undefined || !this.#members.some(({ hasFramers }) => hasFramers)) return;
    throw new TypeError(
      `${claimed} goes to a framer, and another gate that guards this server has framers as well; several gates may rule on ` +
        "a server's upgrades, and one of them may take them: write LEAVE in the others, or guard with vhosts that claim none",
    );
  }

  add(member: M): void {
    this.#members.push(member);
    this.#chain.push(member);
    Object.defineProperty(this.#server, GUARDS, { value: this, configurable: true });
  }

  /** `takeOff`: takes a guard's functions off the server, where they are the outermost. Released ones under them go as well. */
  remove(member: M, takeOff: (member: M) => boolean): void {
    this.#members.splice(this.#members.indexOf(member), 1);
    for (let top = this.#chain.at(-1); top !== undefined && !this.#members.includes(top); top = this.#chain.at(-1)) {
      if (!takeOff(top)) break;
      this.#chain.pop();
    }
    if (this.#members.length === 0) delete (this.#server as { [GUARDS]?: unknown })[GUARDS];
  }

  /** Those that get an event after that one. */
  under(member: M): readonly M[] {
    return this.#members.slice(0, this.#members.indexOf(member));
  }

  /** Notes that a guard has accepted an upgrade. Of several `leave`, that of the first guard is kept. */
  accept(on: object, member: M, { decision, known }: Claimed, leave: Passage<M>["leave"]): Passage<M> {
    const passage = this.#passages.get(on) ?? { accepted: new Map(), claimed: null, leave };
    this.#passages.set(on, passage);
    passage.accepted.set(member, decision);
    if (decision.claim !== LEAVE) passage.claimed = { decision, known };
    return passage;
  }

  /** A guard that has not ruled on it. */
  next({ accepted }: Passage<M>): M | undefined {
    return this.#members.find((member) => !accepted.has(member));
  }

  /** A framer takes it, and it is out of the guards' hands. */
  end(on: object): void {
    this.#passages.delete(on);
  }

  /** The other listeners get it. Each guard lets it pass once, and no other upgrade that may come over the same socket. */
  leave(on: object, { accepted, leave }: Passage<M>, rest: Uint8Array): void {
    this.#passages.delete(on);
    this.#leaving.set(on, accepted);
    leave(rest);
  }

  /** Whether a guard is to let the upgrade of that socket pass. */
  lets(on: object, member: M): boolean {
    return this.#leaving.get(on)?.has(member) === true;
  }

  /** The decision by which it does; it does so no more. */
  letPass(on: object, member: M): Acceptance<FramerLike> | undefined {
    const accepted = this.#leaving.get(on);
    const decision = accepted?.get(member);
    accepted?.delete(member);
    return decision;
  }

  /** Another guard has a framer for it, or may have. */
  mayTake(on: object, member: M): boolean {
    const passage = this.#passages.get(on);
    if (passage !== undefined && passage.claimed !== null) return true;
    return this.#members.some((other) => other !== member && other.hasFramers && !passage?.accepted.has(other));
  }
}

/** The claims of a policy that are no `LEAVE`, in words. */
export function claimsOf({ vhosts }: Policy<FramerLike>): string[] {
  return vhosts.flatMap(({ name, upgrades }) =>
    Object.entries(upgrades ?? {})
      .filter(([, claim]) => claim !== LEAVE)
      .map(([path]) => `upgrades[${JSON.stringify(path)}] of vhost ${name}`),
  );
}
