// In:    servers that two or three gates guard, strict or not, in each order, of which one may have framers.
// Out:   whether all of them rule on each request and upgrade before anything takes it, and what refuses first is refused.
// Never: has gates that agree; each knows a name that another does not.

import type http from "node:http";
import * as assert from "uvu/assert";
import { type Kind, kinds, type Member, member, open, orders } from "../support/several-gates.js";
import { suite } from "../support/suite.js";

/** The gates of a test by name, and which of them are strict. */
interface Setting {
  readonly order: readonly string[];
  readonly strict: readonly string[];
}

const shown = ({ order, strict }: Setting): string =>
  order.map((name) => (strict.includes(name) ? `strict ${name}` : name)).join(", then ");

function settingsOf({ isStrict }: Kind, names: readonly string[]): Setting[] {
  const subsets = names.reduce<string[][]>((all, name) => all.flatMap((each) => [each, [...each, name]]), [[]]);
  return orders(names).flatMap((order) => (isStrict ? subsets : [[]]).map((strict) => ({ order, strict })));
}

for (const kind of kinds) {
  const test = suite(`bypass: several gates, ${kind.name}`);

  for (const setting of settingsOf(kind, ["framing", "leaving"])) {
    const guard = (members: Record<string, Member>) => (server: http.Server) => {
      for (const name of setting.order) {
        members[name]!.gate.guard(server, setting.strict.includes(name) ? { mode: "filter" } : {});
      }
    };

    test(`${shown(setting)}: a framer gets what both accept`, async () => {
      const framing = member(["a", "b"], { framer: true });
      const leaving = member(["a", "c"]);
      const world = await open(kind, guard({ framing, leaving }));
      for (const behind of ["", "early"]) {
        assert.is(await world.upgrade("/live", "a", behind), 101);
        assert.equal([framing.said.splice(0), leaving.said.splice(0)], [["handover"], ["handover"]]);
        assert.equal([framing.asked.splice(0), leaving.asked.splice(0)], [["/live"], ["/live"]]);
        const rest = kind.isHttp2 ? "" : behind;
        assert.equal([framing.framed.splice(0), world.heard.splice(0)], [[`/live true ${rest}`], []]);
      }
      assert.is(await world.upgrade("/live", "b"), 421);
      assert.is(await world.upgrade("/live", "c"), 421);
      assert.equal([framing.framed, world.heard], [[], []]);
      for (const { said } of [framing, leaving]) assert.is(said.filter((each) => each === "NAME_UNKNOWN").length, 1);
      await world.close();
    });

    test(`${shown(setting)}: what is left, by both, goes to the other listeners once`, async () => {
      const framing = member(["a", "b"], { framer: true });
      const leaving = member(["a", "c"]);
      for (const listens of [true, false]) {
        const world = await open(kind, guard({ framing, leaving }), listens);
        assert.is(await world.upgrade("/left", "a"), listens ? 101 : 404);
        assert.equal(world.heard, listens ? ["upgrade /left"] : []);
        // A gate that finds no listener to leave it to may refuse before another gate refuses the name.
        const refused = listens ? [421] : [404, 421];
        for (const host of ["b", "c"]) assert.ok(refused.includes(await world.upgrade("/left", host)));
        assert.equal([await world.upgrade("/live", "a"), framing.framed.splice(0)], [101, ["/live true "]]);
        assert.is(world.heard.length, listens ? 1 : 0);
        await world.close();
      }
    });

    test(`${shown(setting)}: both are asked to authorize, and one no is enough`, async () => {
      for (const refuses of ["framing", "leaving"]) {
        const framing = member(["a"], { framer: true, refuses: refuses === "framing" ? "/live" : "" });
        const leaving = member(["a"], { refuses: refuses === "leaving" ? "/live" : "" });
        const world = await open(kind, guard({ framing, leaving }));
        assert.is(await world.upgrade("/live", "a"), 403);
        assert.equal([framing.framed, world.heard], [[], []]);
        await world.close();
      }
    });

    test(`${shown(setting)}: requests, and 100-continue after both rulings`, async () => {
      const framing = member(["a", "b"], { framer: true });
      const leaving = member(["a", "c"]);
      const world = await open(kind, guard({ framing, leaving }));
      for (const [fields, interim] of [
        ["", []],
        ["expect: 100-continue\r\n", [100]],
      ] as const) {
        assert.equal(await world.request("a", fields), [...interim, 200]);
        assert.equal([await world.request("b", fields), await world.request("c", fields)], [[421], [421]]);
        assert.equal(world.heard.splice(0), ["request a"]);
      }
      await world.close();
    });

    test(`${shown(setting)}: a framer that fails is answered for`, async () => {
      const framing = member(["a"], { framer: true });
      const leaving = member(["a"]);
      const world = await open(kind, guard({ framing, leaving }));
      assert.is(await world.upgrade("/live/fails", "a"), 500);
      const said = [...framing.said, ...leaving.said];
      assert.is(said.filter((each) => each === "FRAMER_FAILED").length, 1);
      await world.close();
    });

    test(`${shown(setting)}: a gate in report mode, a smaller limit, another gate's framers for other paths`, async () => {
      const framing = member(["a"], { framer: true });
      const leaving = member(["x"], { more: { mode: "report" } });
      const world = await open(kind, guard({ framing, leaving }));
      assert.equal([await world.upgrade("/live", "a"), framing.framed.length], [101, 1]);
      assert.is(await world.upgrade("/live", "x"), 421);
      await world.close();
      const narrow = member(["a"], { more: { limits: { fieldLines: 4 } } });
      const second = await open(kind, guard({ framing, leaving: narrow }));
      assert.is(await second.upgrade("/live", "a"), 431 - (kind.isHttp2 ? 330 : 0));
      assert.is(framing.framed.length, kind.isHttp2 ? 2 : 1);
      await second.close();
    });
  }

  const three = { ...kind, isStrict: false };
  for (const setting of settingsOf(three, ["framing", "one", "two"])) {
    test(`three gates, ${shown(setting)}`, async () => {
      const members: Record<string, Member> = {
        framing: member(["a", "b", "c"], { framer: true }),
        one: member(["a", "b", "d"]),
        two: member(["a", "c", "d"]),
      };
      const world = await open(kind, (server) => {
        for (const name of setting.order) members[name]!.gate.guard(server);
      });
      for (const path of ["/live", "/left"]) {
        const statuses = [];
        for (const host of ["a", "b", "c", "d"]) statuses.push(await world.upgrade(path, host));
        assert.equal(statuses, [101, 421, 421, 421]);
      }
      assert.equal([members.framing!.framed, world.heard], [["/live true "], ["upgrade /left"]]);
      await world.close();
    });
  }

  test("released, in any order, a gate rules no more, and the others go on", async () => {
    for (const setting of settingsOf(kind, ["framing", "leaving"])) {
      for (const release of setting.order) {
        const members: Record<string, Member> = {
          framing: member(["a", "b"], { framer: true }),
          leaving: member(["a", "c"]),
        };
        const guards = new Map<string, Disposable>();
        const world = await open(kind, (server) => {
          for (const name of setting.order) {
            const strict = setting.strict.includes(name);
            guards.set(name, members[name]!.gate.guard(server, strict ? { mode: "filter" } : {}));
          }
        });
        guards.get(release)![Symbol.dispose]();
        const says = `${shown(setting)}, without ${release}`;
        const framed = release === "leaving" ? 1 : 0;
        assert.is(await world.upgrade("/live", release === "leaving" ? "b" : "c"), 101, says);
        assert.equal([members.framing!.framed.length, world.heard.length], [framed, 1 - framed], says);
        assert.is(await world.upgrade("/live", release === "leaving" ? "c" : "b"), 421, says);
        await world.close();
      }
    }
  });
}
