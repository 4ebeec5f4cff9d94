// In:    nothing; imported before a program.
// Out:   `localhost` with both of its addresses, as most machines have them in /etc/hosts.
// Never: changes another name.

import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";

type Lookup = (name: string, ...rest: unknown[]) => void;
const both = ["127.0.0.1", "::1"].map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

/** A lookup that knows localhost by itself. */
function knowing(lookup: Lookup): Lookup {
  return (name, ...rest) => {
    if (name !== "localhost") return lookup(name, ...rest);
    const done = rest.at(-1) as (...values: unknown[]) => void;
    const { all } = (typeof rest[0] === "object" ? rest[0] : {}) as { all?: boolean };
    if (all === true) process.nextTick(done, null, both);
    else process.nextTick(done, null, both[0]!.address, both[0]!.family);
  };
}

const replaced = dns as unknown as { lookup: Lookup };
replaced.lookup = knowing(replaced.lookup);
syncBuiltinESMExports();
