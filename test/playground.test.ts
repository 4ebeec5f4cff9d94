// In:    the playground of the demo, in Chromium, by mouse, keyboard and address.
// Out:   whether octets, decision and link follow what is typed, and whether every visitor can read and use it.
// Never: looks into the page's script.

import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import * as assert from "uvu/assert";
import { findBarriers } from "./support/axe.js";
import { demoSuite } from "./support/chromium.js";
import { smaller } from "./support/png.js";
import type { Suite } from "./support/suite.js";
import { until } from "./support/until.js";

/** Milliseconds for anything that the page is to show. */
const PATIENCE = 15_000;

/** The examples with the headline of each. */
const headlines = {
  "Own page": "Accepted",
  Rebinding: "Refused 421 Misdirected Request NAME_UNKNOWN",
  "Foreign page": "Refused 403 Forbidden ORIGIN_FOREIGN",
  "Foreign image": "Refused 403 Forbidden SITE_FOREIGN",
  WebSocket: "Accepted",
  Smuggling: "Malformed 400 Bad Request FRAMING_CONFLICT",
  "Hidden Host": "Malformed 400 Bad Request BARE_LF",
  "Behind a proxy": "Accepted",
  "Forged proxy": "Refused 421 Misdirected Request NAME_UNKNOWN",
};

const widths = [390, 1280];
const schemes = ["light", "dark"] as const;

await demoSuite("the playground in Chromium", testPlayground);

function testPlayground(test: Suite, browser: Browser, port: () => number): void {
  interface Visit extends BrowserContextOptions {
    readonly address?: string;
    /** Runs before the page's own script. */
    readonly before?: string;
  }

  /** The playground, in a window of its own; whatever the browser complains about fails the test that uses it. */
  async function visit(use: (page: Page) => Promise<void>, options: Visit = {}): Promise<void> {
    const { address = `http://localhost:${port()}/playground/`, before, ...more } = options;
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...more });
    context.setDefaultTimeout(PATIENCE);
    if (before !== undefined) await context.addInitScript(before);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => complaints.push(message.text()));
    try {
      await page.goto(address);
      await use(page);
      assert.equal(complaints, []);
    } finally {
      await context.close();
    }
  }

  const headline = async (page: Page): Promise<string> =>
    (await page.locator("#verdict > span").allInnerTexts()).join(" ");
  const choose = (page: Page, title: string) => page.getByRole("button", { name: title, exact: true }).click();
  const head = (page: Page) => page.getByRole("textbox", { name: "Request head" });
  const policy = (page: Page) => page.getByRole("textbox", { name: "Policy" });

  /** The coloured pieces of text, without line ends: `method GET`. */
  async function pieces(page: Page): Promise<string[]> {
    const spans = page.locator("#octets > span:not(.line-end, .mark)");
    const found = await spans.evaluateAll((all) => all.map((each) => `${each.className} ${each.textContent}`));
    return found;
  }

  test("each example leads to its decision, and the address leads back to the example", async () => {
    await visit(async (page) => {
      const titles = await page.locator("#examples button").allInnerTexts();
      assert.equal(titles, Object.keys(headlines));
      const addresses = new Map<string, string>();
      for (const [title, expected] of Object.entries(headlines)) {
        await choose(page, title);
        assert.is(await headline(page), expected, title);
        assert.ok((await page.locator("#sentence").innerText()).length > 20, title);
        const pressed = page.locator("[aria-pressed=true]");
        assert.is(await pressed.innerText(), title);
        const id = await pressed.getAttribute("value");
        await until(() => page.url().endsWith(`#${id}`), `#${id}`);
        addresses.set(title, page.url());
      }
      for (const [title, address] of addresses) {
        await page.goto(address);
        await page.locator("[aria-pressed=true]", { hasText: title }).waitFor();
        assert.is(await headline(page), headlines[title as keyof typeof headlines]);
      }
    });
  });

  for (const width of widths) {
    for (const colorScheme of schemes) {
      test(`has no barriers, ${width} px wide and ${colorScheme}`, async () => {
        const viewport = { width, height: 844 };
        await visit(
          async (page) => {
            for (const title of ["Own page", "Rebinding", "Smuggling"]) {
              await choose(page, title);
              assert.equal(await findBarriers(page), [], title);
            }
            await policy(page).fill("{");
            await page.locator("#policy-problem").getByText("JSON").waitFor();
            assert.equal(await findBarriers(page), [], "a policy that is not JSON");
            const [wide, window] = await page.evaluate<number[]>("[document.documentElement.scrollWidth, innerWidth]");
            assert.is(wide, window);
            if (process.env.UPDATE_SCREENSHOTS === undefined) return;
            await choose(page, width === 390 ? "Hidden Host" : "Rebinding");
            await page.evaluate("scrollTo(0, 0)");
            await page.setViewportSize({ width, height: width === 390 ? 1250 : 850 });
            writeFileSync(`docs/playground-${width}-${colorScheme}.png`, smaller(await page.screenshot()));
          },
          { viewport, colorScheme, reducedMotion: "reduce" },
        );
      });
    }
  }

  /** By the relative luminance of what is drawn (WCAG 2.2, contrast minimum): axe-core cannot see under the editor. */
  for (const colorScheme of schemes) {
    test(`the colours of octets have contrast, ${colorScheme}`, async () => {
      await visit(
        async (page) => {
          await choose(page, "Smuggling");
          const ratios = await page.evaluate<[string, number][]>(CONTRAST);
          assert.ok(ratios.length >= 6, JSON.stringify(ratios));
          for (const [kind, ratio] of ratios) assert.ok(ratio >= 4.5, `${kind}: ${ratio}`);
        },
        { colorScheme },
      );
    });
  }

  test("octets have the colours of their parts", async () => {
    await visit(async (page) => {
      await choose(page, "Rebinding");
      await head(page).fill("PUT /a?b HTTP/1.1\nHost:  localhost \nX-Y: \\x80\n\nbody");
      assert.equal(await pieces(page), [
        "method PUT",
        "target /a?b",
        "version HTTP/1.1",
        "name Host",
        "value localhost",
        "name X-Y",
        "value \\x80",
        "after body",
      ]);
      await head(page).fill("GET / HTTP/1.1\nHost: a\nHost: b\n\n");
      const read = ["method GET", "target /", "version HTTP/1.1", "name Host", "value a"];
      assert.equal(await pieces(page), [...read, "offending H", "unread ost: b"]);
      const many = "A: b\n".repeat(200);
      await head(page).fill(`GET / HTTP/1.1\nHost: a\n${many}\n`);
      const found = await pieces(page);
      assert.is(found.filter((piece) => piece === "value b").length, 99);
      assert.is(found[203], "offending A");
    });
  });

  test("a head that is only begun has colours as far as it goes", async () => {
    const beginnings: Record<string, string[]> = {
      "": [],
      GE: ["method GE"],
      "GET /x": ["method GET", "target /x"],
      "GET /x HTT": ["method GET", "target /x", "version HTT"],
      "GET / HTTP/1.1\nHo": ["method GET", "target /", "version HTTP/1.1", "name Ho"],
      "GET / HTTP/1.1\nHost: [::": ["method GET", "target /", "version HTTP/1.1", "name Host", "value [::"],
      "POST / HTTP/1.1\nTransfer-Encoding: chu": [
        "method POST",
        "target /",
        "version HTTP/1.1",
        "name Transfer-Encoding",
        "value chu",
      ],
    };
    await visit(async (page) => {
      for (const [text, expected] of Object.entries(beginnings)) {
        await head(page).fill(text);
        assert.equal(await pieces(page), expected, text);
        assert.is(await headline(page), "Incomplete", text);
      }
    });
  });

  test("the coloured text is the editor's text, at the same place", async () => {
    const long = `GET /${"path/".repeat(60)} HTTP/1.1\nHost: ${"a-long-name.".repeat(20)}example\n\n`;
    const texts = [
      "",
      "\n",
      "\n\n\n",
      "é ☃ 𝄞\n",
      "<b>bold</b>\n&amp;\n",
      "\\r\\n\\0\\x00\\\\\n",
      "GET / HTTP/1.1\n \n",
      long,
    ];
    for (const width of widths) {
      await visit(
        async (page) => {
          for (const text of texts) {
            await head(page).fill(text);
            assert.is(await page.locator("#octets").textContent(), `${text}\u200b`);
            const sizes = await page.evaluate<number[]>(
              "[head.clientWidth, octets.clientWidth, head.clientHeight, octets.clientHeight, Math.max(head.scrollHeight, head.clientHeight)]",
            );
            assert.is(sizes[0], sizes[1], text);
            assert.equal(sizes.slice(3), [sizes[2], sizes[2]], text);
          }
        },
        { viewport: { width, height: 844 } },
      );
    }
  });

  test("decision, announcement and address follow what is typed, and nothing is sent", async () => {
    await visit(async (page) => {
      await choose(page, "Rebinding");
      const sent: string[] = [];
      page.on("request", (request) => sent.push(request.url()));
      const text = await head(page).inputValue();
      await head(page).fill(text.replaceAll("attacker.example", "localhost"));
      assert.is(await headline(page), "Accepted");
      await page
        .locator("#live")
        .getByText(/^Accepted\. GET \/notes accepted/)
        .waitFor({ state: "attached" });
      await policy(page).fill('{ "vhosts": [{ "name": "localhost", "port": 443 }] }');
      assert.is(await headline(page), "Refused 421 Misdirected Request PORT_MISMATCH");
      await page
        .locator("#live")
        .getByText(/PORT_MISMATCH/)
        .waitFor({ state: "attached" });
      await page.getByLabel("Scheme").selectOption("https");
      assert.match(await page.locator("#reasons").innerText(), /https, given/);
      await policy(page).fill('{ "vhosts": [{ "nam": "localhost" }] }');
      assert.match(await page.locator("#policy-problem").innerText(), /nam/);
      assert.is(await headline(page), "No decision");
      assert.is(await policy(page).getAttribute("aria-invalid"), "true");
      await choose(page, "Behind a proxy");
      for (const [address, expected] of [
        ["10.1.2.3", "Accepted"],
        ["::ffff:10.1.2.3", "Accepted"],
        ["unix", headlines["Forged proxy"]],
        ["", headlines["Forged proxy"]],
        ["proxy.internal", "No decision"],
      ] as const) {
        await page.getByLabel("From address").fill(address);
        assert.is(await headline(page), expected, address);
      }
      assert.match(await page.locator("#connection-problem").innerText(), /^proxy\.internal is not an IPv4 or IPv6/);
      assert.equal(sent, []);
    });
  });

  test("a link leads to the same head, policy and connection", async () => {
    await visit(async (page) => {
      await choose(page, "Behind a proxy");
      const example = page.url();
      await head(page).fill("GET /☃<script> HTTP/1.1\nHost: é\n\n");
      await policy(page).fill('{ "vhosts": [] }');
      await page.getByLabel("From address").fill("::1");
      await page.getByLabel("Scheme").selectOption("https");
      await until(() => page.url() !== example && page.url().includes("#s="), "an address of its own");
      const wanted = await values(page);
      // The last change may still be on its way into the address.
      await page.getByRole("button", { name: "Copy link" }).click();
      await visit(async (other) => assert.equal(await values(other), wanted), { address: page.url() });
    });
  });

  const values = (page: Page) => page.evaluate<string[]>("[head, policy, client, scheme].map(({ value }) => value)");

  test("a link that is damaged leads to an example", async () => {
    for (const fragment of ["#s=%%%", "#s=e30", "#s=WyIiLCIiLCIiLCJmdHAiXQ", "#nonsense"]) {
      const address = `http://localhost:${port()}/playground/${fragment}`;
      await visit(
        async (page) => {
          assert.is(await headline(page), headlines.Rebinding, fragment);
          assert.is(await page.locator("#copied").innerText(), "the link is damaged; this is an example");
        },
        { address },
      );
    }
  });

  test("can be used with the keyboard alone", async () => {
    await visit(async (page) => {
      const focused = () => page.evaluate<string>("document.activeElement.id || document.activeElement.value");
      const tabTo = async (id: string): Promise<void> => {
        for (let presses = 0; (await focused()) !== id; presses++) {
          assert.ok(presses < 30, `${id} is not reached; ${await focused()} has the focus`);
          await page.keyboard.press("Tab");
          // What has the focus shows it.
          assert.is.not(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle"), "none");
        }
      };
      await tabTo("hidden-host");
      await page.keyboard.press("Enter");
      assert.is(await headline(page), headlines["Hidden Host"]);
      await tabTo("show");
      await page.keyboard.press("Enter");
      assert.is(await focused(), "head");
      assert.is(await page.evaluate("head.value.slice(head.selectionStart, head.selectionEnd)"), "\\n");
      await page.keyboard.type(" ");
      assert.is(await headline(page), "Accepted");
      for (const id of ["share", "policy"]) await tabTo(id);
      await page.keyboard.press("Control+A");
      await page.keyboard.type("{}");
      assert.is(await headline(page), "No decision");
      for (const id of ["client", "scheme"]) await tabTo(id);
      await page.keyboard.press("ArrowDown");
      assert.is(await page.getByLabel("Scheme").inputValue(), "http");
    });
  });

  test("works without WebAssembly", async () => {
    await visit(
      async (page) => {
        assert.is(await headline(page), headlines.Rebinding);
        assert.is(await page.locator("#kernel").innerText(), "Kernel: JavaScript");
      },
      { before: "delete globalThis.WebAssembly" },
    );
  });

  test("works from a file, without a server", async () => {
    const address = `${pathToFileURL("dist/playground/index.html").href}#smuggling`;
    await visit(
      async (page) => {
        assert.is(await headline(page), headlines.Smuggling);
        assert.is(await page.locator("#kernel").innerText(), "Kernel: WebAssembly, simd");
      },
      { address },
    );
  });
}

/** The contrast of each kind of octet with the ground that it is drawn on. */
const CONTRAST = `(() => {
  const luminance = (colour) => {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d");
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((value) =>
      value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = getComputedStyle(octets).backgroundColor;
  const kinds = new Map([...octets.querySelectorAll("span:not(.line-end)")].map((span) => [span.className, span]));
  return [...kinds].map(([kind, span]) => {
    const { color, backgroundColor } = getComputedStyle(span);
    const own = backgroundColor === "rgba(0, 0, 0, 0)" ? ground : backgroundColor;
    const [dark, light] = [luminance(color), luminance(own)].sort((one, other) => one - other);
    return [kind, (light + 0.05) / (dark + 0.05)];
  });
})()`;
