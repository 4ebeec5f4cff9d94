// In:    nothing.
// Out:   the ways in which a page makes a browser send a request to another server, as scripts that a page runs.
// Never: knows where the page or the server is.

export interface Initiator {
  readonly name: string;
  /** A function expression of the page; it gets the URL that is to be requested, and a URL that redirects there. */
  readonly script: string;
  /** True: on the page that is served with `Referrer-Policy: no-referrer`. */
  readonly noReferrer?: boolean;
  /** What the page needs for it: a service worker of its own, which only some pages may have. */
  readonly needs?: "service worker";
  /** The status code of the redirection. */
  readonly redirect?: 302 | 307;
  /** True: no script does it; the address is typed into the tab of the page. */
  readonly typed?: boolean;
  /** True: nothing is sent unless a person sees the page. */
  readonly visible?: boolean;
  /** The request goes to a path for which the server's own service worker answers. */
  readonly through?: "service worker";
}

const element = (name: string, attribute: string, more = ""): string =>
  `(url) => {
    const element = document.createElement("${name}");
    ${more}
    element.${attribute} = url;
    document.body.append(element);
  }`;

const form = (method: "get" | "post", to = "url"): string =>
  `(url, redirected) => {
    const form = document.createElement("form");
    Object.assign(form, { method: "${method}", action: ${to}, target: "_blank" });
    form.innerHTML = '<input name="a" value="b">';
    document.body.append(form);
    form.submit();
  }`;

/** Clicked by a script: a person's click needs a page that no other one covers, and adds nothing but Sec-Fetch-User. */
const link = (to = "url"): string =>
  `(url, redirected) => {
    const link = document.createElement("a");
    Object.assign(link, { href: ${to}, target: "_blank" });
    document.body.append(link);
    link.click();
  }`;

const request = (options: object, to = "url"): string =>
  `(url, redirected) => void fetch(${to}, ${JSON.stringify(options)}).catch(() => {})`;

const speculation = (kind: "prefetch" | "prerender"): string =>
  `(url) => {
    const rules = document.createElement("script");
    rules.type = "speculationrules";
    rules.textContent = JSON.stringify({ ${kind}: [{ urls: [url], eagerness: "immediate" }] });
    document.head.append(rules);
  }`;

/** The page's own worker, which asks for the URL itself. */
const worker = `async (url) => {
  await navigator.serviceWorker.register("/worker.js", { scope: "/through/" });
  const { active, waiting, installing } = await navigator.serviceWorker.getRegistration("/through/");
  (active ?? waiting ?? installing).postMessage(url);
}`;

/** In the order of the table in docs/policy.md. */
export const initiators: readonly Initiator[] = [
  { name: "script", script: element("script", "src") },
  { name: "image", script: element("img", "src") },
  { name: "image, no-referrer", script: element("img", "src"), noReferrer: true },
  { name: "iframe", script: element("iframe", "src") },
  { name: "object", script: element("object", "data", 'element.type = "text/html";') },
  { name: "fetch, no-cors", script: request({ mode: "no-cors" }) },
  { name: "fetch POST, no-cors", script: request({ mode: "no-cors", method: "POST", body: "a=b" }) },
  { name: "fetch, cors", script: request({ mode: "cors" }) },
  { name: "fetch PUT, cors", script: request({ mode: "cors", method: "PUT", body: "a=b" }) },
  { name: "form GET", script: form("get") },
  { name: "form GET, no-referrer", script: form("get"), noReferrer: true },
  { name: "form POST", script: form("post") },
  { name: "form POST, no-referrer", script: form("post"), noReferrer: true },
  { name: "link", script: link() },
  { name: "link, no-referrer", script: link(), noReferrer: true },
  { name: "typed address", script: "() => {}", typed: true },
  { name: "WebSocket", script: '(url) => void new WebSocket(url.replace(/^http/, "ws"))' },
  { name: "service worker", script: worker, needs: "service worker" },
  { name: "speculation rules, prefetch", script: speculation("prefetch"), visible: true },
  { name: "speculation rules, prerender", script: speculation("prerender"), visible: true },
  { name: "image, redirected", script: element("img", "src").replace("(url)", "(_, url)"), redirect: 302 },
  { name: "fetch, cors, redirected", script: request({ mode: "cors" }, "redirected"), redirect: 302 },
  { name: "link, redirected", script: link("redirected"), redirect: 302 },
  { name: "typed address, redirected", script: "() => {}", typed: true, redirect: 302 },
  { name: "form POST, redirected", script: form("post", "redirected"), redirect: 307 },
  { name: "form POST to a service worker", script: form("post"), through: "service worker" },
];
