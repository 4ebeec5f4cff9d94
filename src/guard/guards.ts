// In:    the guards of one server, each from a different gate; upgrades that some of them have accepted.
// Out:   which guard has yet to rule on an upgrade, and once all have, what takes it.
// Never: rules on anything, or lets an upgrade go on that a guard of its server has not ruled on.

import type { Server } from "node:net";
import type { FramerLike } from "../handover/framer.js";
import type { Claimed } from "../outcome/context.js";
import type { Acceptance } from "../policy/decision.js";
import type { Policy } from "../policy/policy-rules.js";
import { LEAVE } from "../policy/vhost.js";
import { PortWatch } from "./port-watch.js";

/** A guard from the point of view of the other guards of its server. */
interface Member {
  /** Some upgrades go to its own framers. */
  readonly hasFramers: boolean;
}

/** An upgrade on its way through the guards of its server. */
interface Passage<M> {
  /** The guards that have accepted it. */
  readonly accepted: Map<M, Acceptance<FramerLike>>;
  /** The claim of the guard whose framer takes it; null if there is none so far. */
  claimed: Claimed | null;
  /** Gives it to the server's other listeners, with the octets after its head. */
  readonly leave: (rest: Uint8Array) => void;
}

/** The property of a server that has its guards. */
const GUARDS = Symbol("headgate.guards");

/** All active guards of one server. */
export class Guards<M extends Member> {
  readonly #server: Server;
  /** For other servers on its port. */
  readonly watch: PortWatch;
  readonly #members: M[] = [];
  /** The guards whose functions are on the server, each wrapping the previous one; some may have been released. */
  readonly #chain: M[] = [];
  /** By socket or stream. */
  readonly #passages = new WeakMap<object, Passage<M>>();
  /** For upgrades on their way to the other listeners. */
  readonly #leaving = new WeakMap<object, Map<M, Acceptance<FramerLike>>>();

  private constructor(server: Server) {
    this.#server = server;
    this.watch = new PortWatch(server, (other) => GUARDS in other);
  }

  static of<M extends Member>(server: Server): Guards<M> {
    const guarded = server as { [GUARDS]?: Guards<M> };
    return guarded[GUARDS] ?? new Guards(server);
  }

  /** The newest last. */
  get members(): readonly M[] {
    return this.#members;
  }

  /** Throws `TypeError` if two guards would have framers: an upgrade can only go to one. */
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
    this.watch.start();
  }

  /** `takeOff`: removes a guard's functions from the server, if they are the outermost. Those of released guards below go as well. */
  remove(member: M, takeOff: (member: M) => boolean): void {
    this.#members.splice(this.#members.indexOf(member), 1);
    for (let top = this.#chain.at(-1); top !== undefined && !this.#members.includes(top); top = this.#chain.at(-1)) {
      if (!takeOff(top)) break;
      this.#chain.pop();
    }
    if (this.#members.length > 0) return;
    delete (this.#server as { [GUARDS]?: unknown })[GUARDS];
    this.watch.stop();
  }

  /** The guards that get an event after that one. */
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

  /** A framer takes it, and the guards no longer track it. */
  end(on: object): void {
    this.#passages.delete(on);
  }

  /** The other listeners get it. Each guard lets it pass once, but no other upgrade on the same socket. */
  leave(on: object, { accepted, leave }: Passage<M>, rest: Uint8Array): void {
    this.#passages.delete(on);
    this.#leaving.set(on, accepted);
    leave(rest);
  }

  /** Whether a guard should let the upgrade of that socket pass. */
  lets(on: object, member: M): boolean {
    return this.#leaving.get(on)?.has(member) === true;
  }

  /** The decision by which it lets the upgrade pass, once. */
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

/** The claims of a policy that are not `LEAVE`, in words. */
export function claimsOf({ vhosts }: Policy<FramerLike>): string[] {
  return vhosts.flatMap(({ name, upgrades }) =>
    Object.entries(upgrades ?? {})
      .filter(([, claim]) => claim !== LEAVE)
      .map(([path]) => `upgrades[${JSON.stringify(path)}] of vhost ${name}`),
  );
}
