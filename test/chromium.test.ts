// In:    the page of the demo, in Chromium, by the hand of a person.
// Out:   whether each button leads to its decision, and whether the echo and the chat work.
// Never: looks into the page's script.

import type { Browser, Page } from "playwright-core";
import * as assert from "uvu/assert";
import { findBarriers } from "./support/axe.js";
import { demoSuite } from "./support/chromium.js";
import type { Suite } from "./support/suite.js";

/** Milliseconds for anything that the page is to show. */
const PATIENCE = 15_000;

await demoSuite("the page in Chromium", testPage);

function testPage(test: Suite, browser: Browser, port: () => number): void {
  /** The page, in a window of its own; whatever the browser complains about fails the test that uses it. */
  async function visit(use: (page: Page, port: number) => Promise<void>, host = "localhost"): Promise<void> {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      // Chromium reports everything that was refused; that is the point of the page.
      const isRefusal = /^WebSocket connection to |^Failed to load resource: .* status of 4(?:03|21) /;
      if (message.type() === "error" && !isRefusal.test(message.text())) {
        complaints.push(message.text());
      }
    });
    try {
      await page.goto(`http://${host}:${port()}/`);
      await page.getByText("live", { exact: true }).waitFor();
      await use(page, port());
      assert.equal(complaints, []);
    } finally {
      await context.close();
    }
  }

  /** Presses a button and waits for the decision that it leads to. */
  async function press(page: Page, name: string, explanation: string): Promise<string> {
    const items = page.locator("#decisions > li").filter({ hasText: explanation });
    const before = await items.count();
    await page.getByRole("button", { name, exact: true }).click();
    await items.nth(before).waitFor();
    return (await items.first().locator(".ruling > span").allInnerTexts()).filter((text) => text !== "").join(" ");
  }

  const accepted = (path: string, host: string): string => `upgrade of ${path} accepted by ${path} (${host}; `;

  test("each button leads to its decision, with its explanation", async () => {
    await visit(async (page, port) => {
      const output = (id: string) => page.locator(`output[for=${id}]`);
      assert.is(await press(page, "Echo: right host", accepted("/echo", "echo.localhost")), "accepted 101 adopted");
      await output("echo").getByText("opened", { exact: true }).waitFor();
      assert.is(await press(page, "Chat: right host", accepted("/chat", "chat.localhost")), "accepted 101 adopted");
      await output("chat").getByText("opened", { exact: true }).waitFor();
      assert.is(
        await press(page, "Foreign host", "host foreign.localhost matches none of the vhosts: echo.localhost, "),
        "refused 421 NAME_UNKNOWN adopted",
      );
      await output("foreign").getByText("not opened: 421 NAME_UNKNOWN", { exact: true }).waitFor();
      await output("foreign").getByText("host foreign.localhost matches none of the vhosts: ").waitFor();
      assert.is(
        await press(page, "Wrong port", `host port ${port} mismatches vhost port 443 (declared.localhost; `),
        "refused 421 PORT_MISMATCH adopted",
      );
      await output("port").getByText("not opened: 421 PORT_MISMATCH", { exact: true }).waitFor();
      await output("port").getByText("mismatches vhost port 443").waitFor();
      assert.is(
        await press(
          page,
          "Foreign origin",
          `origin http://localhost:${port} matches none of the allowed origins: http://127.0.0.1`,
        ),
        "refused 403 ORIGIN_FOREIGN adopted",
      );
      await output("origin").getByText("not opened: 403 ORIGIN_FOREIGN", { exact: true }).waitFor();
      await output("origin").getByText("matches none of the allowed origins").waitFor();
      assert.is(
        await press(page, "Unclaimed path", "path /nobody matches none of the upgrades: /echo"),
        "refused 404 PATH_UNCLAIMED adopted",
      );
      await output("path").getByText("not opened: 404 PATH_UNCLAIMED", { exact: true }).waitFor();
      await output("path").getByText("path /nobody matches none of the upgrades").waitFor();
      assert.is(
        await press(page, "Malformed: two Hosts", "a request has more than one Host"),
        "malformed 400 HOST_REPEATED adopted",
      );
      await output("malformed").getByText("HTTP/1.1 400 Bad Request", { exact: true }).waitFor();
      await output("malformed").getByText("a request has more than one Host").waitFor();
    });
  });

  test("the guarded server answers this page, and the foreign ones are refused", async () => {
    await visit(async (page) => {
      const output = (id: string) => page.locator(`output[for=guard-${id}]`);
      assert.is(await press(page, "Own page", "GET /notes accepted (localhost; "), "accepted guarded");
      await output("own").getByText("passed, and got: door code 4711, passport in the blue folder").waitFor();
      const foreign = await press(page, "Foreign page", "matches none of the allowed origins: http://127.0.0.1:");
      assert.is(foreign, "refused 403 ORIGIN_FOREIGN guarded");
      await output("foreign").getByText("refused: 403 ORIGIN_FOREIGN", { exact: true }).waitFor();
      const name = await press(page, "Foreign name", "host foreign.localhost matches none of the vhosts: localhost");
      assert.is(name, "refused 421 NAME_UNKNOWN guarded");
      await output("host").getByText("refused: 421 NAME_UNKNOWN", { exact: true }).waitFor();
    });
  });

  test("the rebinding page reads the notes of a server without a guard, and not those of the guarded one", async () => {
    await visit(async (page) => {
      const frame = page.frameLocator("iframe");
      for (let times = 0; times < 2; times++) {
        await frame.getByRole("button", { name: "Read notes: no guard" }).click();
        await frame.getByText("Got it: 200 door code 4711, passport in the blue folder", { exact: true }).waitFor();
        await frame.getByRole("button", { name: "Read notes: guarded" }).click();
        await frame.getByText("Got nothing: 421 Misdirected Request (NAME_UNKNOWN)", { exact: true }).waitFor();
      }
      await page
        .locator("#decisions > li")
        .filter({ hasText: "host rebound.localhost matches none" })
        .first()
        .waitFor();
    });
  });

  test("the page leads to the playground", async () => {
    await visit(async (page) => {
      await page.getByRole("link", { name: "playground" }).click();
      await page.getByRole("heading", { name: "headgate playground" }).waitFor();
    });
  });

  for (const width of [390, 1280]) {
    for (const colorScheme of ["light", "dark"] as const) {
      test(`the page and its frame have no barriers, ${width} px wide and ${colorScheme}`, async () => {
        await visit(async (page) => {
          await page.setViewportSize({ width, height: 844 });
          await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
          await press(page, "Foreign host", "host foreign.localhost matches none of the vhosts: ");
          assert.equal(await findBarriers(page), []);
          const frame = page.frames().find((each) => each.url().startsWith("http://rebound.localhost:"));
          assert.equal(await findBarriers(frame!), []);
        });
      });
    }
  }

  test("a button pressed again leads to a decision again", async () => {
    await visit(async (page) => {
      for (let times = 0; times < 3; times++) {
        await press(page, "Echo: right host", accepted("/echo", "echo.localhost"));
        await press(page, "Wrong port", "mismatches vhost port 443");
      }
    });
  });

  /** Types into a box and sends. */
  async function say(page: Page, box: "Echo" | "Chat", text: string): Promise<void> {
    const region = page.getByRole("region", { name: box });
    await region.getByRole("textbox").fill(text);
    await region.getByRole("button", { name: "Send" }).click();
  }

  const heard = (page: Page, box: "Echo" | "Chat", text: string) =>
    page.getByRole("log", { name: box }).getByText(text, { exact: true }).waitFor();

  test("the echo answers, and shows markup as text", async () => {
    await visit(async (page) => {
      await say(page, "Echo", "hello");
      await heard(page, "Echo", "hello");
      await say(page, "Echo", "<b>bold</b>");
      await heard(page, "Echo", "<b>bold</b>");
      await page.getByRole("region", { name: "Echo" }).getByText("open", { exact: true }).waitFor();
    });
  });

  test("two pages talk to each other in the chat", async () => {
    await visit(async (one) => {
      await visit(async (other) => {
        await press(one, "Chat: right host", accepted("/chat", "chat.localhost"));
        await press(other, "Chat: right host", accepted("/chat", "chat.localhost"));
        await one.getByRole("region", { name: "Chat" }).getByText("open", { exact: true }).waitFor();
        await other.getByRole("region", { name: "Chat" }).getByText("open", { exact: true }).waitFor();
        await say(one, "Chat", "good evening");
        await other
          .getByRole("log", { name: "Chat" })
          .getByText(/^guest \d+: good evening$/)
          .waitFor();
        await say(other, "Chat", "likewise");
        await one
          .getByRole("log", { name: "Chat" })
          .getByText(/^guest \d+: likewise$/)
          .waitFor();
      });
    });
  });

  test("the page works under 127.0.0.1 as well", async () => {
    await visit(async (page) => {
      await press(page, "Echo: right host", accepted("/echo", "echo.localhost"));
    }, "127.0.0.1");
  });

  test("a page that opens later shows what was decided before", async () => {
    await visit(async (page) => {
      await page.locator("#decisions > li").filter({ hasText: "GET / accepted (localhost; " }).first().waitFor();
    });
  });

  test("nothing on the page is wider than a phone", async () => {
    await visit(async (page) => {
      await press(page, "Foreign host", "host foreign.localhost matches none of the vhosts: ");
      const [wide, window] = await page.evaluate<number[]>("[document.documentElement.scrollWidth, innerWidth]");
      assert.is(wide, window);
    });
  });
}
