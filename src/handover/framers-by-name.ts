// In:    framers by name; vhosts whose claims may be names.
// Out:   the vhosts with framers as claims.
// Never: calls a framer.

import { describe, isRecord } from "../head/options.js";
import { LEAVE, type Vhost } from "../policy/vhost.js";
import { checkFramer, type FramerLike } from "./framer.js";

/** Replaces names with their framers. Throws `TypeError` with the path, the value and the fix. */
export function withFramers(framers: Readonly<Record<string, FramerLike>> = {}) {
  if (!isRecord(framers)) {
    throw new TypeError(`framers must be an object such as { live: wsFramer(wss) }; it is ${describe(framers)}`);
  }
  if (Object.hasOwn(framers, LEAVE)) throw new TypeError("framers.LEAVE has the name of LEAVE; choose another name");
  for (const [name, framer] of Object.entries(framers)) checkFramer(framer, `framers[${JSON.stringify(name)}]`);
  return (vhost: Vhost<FramerLike | string>, i: number): Vhost<FramerLike> => {
    const claims = Object.entries(vhost.upgrades ?? {}).map(([path, claim]): [string, FramerLike] => {
      const where = `vhosts[${i}].upgrades[${JSON.stringify(path)}]`;
      if (typeof claim !== "string" || claim === LEAVE) {
        checkFramer(claim, where);
        return [path, claim];
      }
      if (!Object.hasOwn(framers, claim)) {
        const names = Object.keys(framers).join(", ") || "none";
        if (claim.toUpperCase() === LEAVE) throw new TypeError(`${where} is ${JSON.stringify(claim)}; write LEAVE`);
        throw new TypeError(
          `${where} is ${JSON.stringify(claim)}, which is not a name in framers (it has: ${names}); ` +
            `write framers: { ${JSON.stringify(claim)}: wsFramer(wss) }`,
        );
      }
      return [path, framers[claim]!];
    });
    const isNamed = Object.values(vhost.upgrades ?? {}).some((claim) => typeof claim === "string" && claim !== LEAVE);
    return isNamed ? { ...vhost, upgrades: Object.fromEntries(claims) } : (vhost as Vhost<FramerLike>);
  };
}
