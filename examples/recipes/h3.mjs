// h3 2 on Node with crossws, guarded. The lines that end with "// +" are the gate's.

import { plugin as webSockets } from "crossws/server";
import { defineWebSocketHandler, H3, serve } from "h3";
import { createGate, explain, localhost } from "headgate"; // +

const app = new H3();
app.use((event) => console.log("handled", event.req.headers.get("user-agent")));
app.get("/", () => "a page\n");
app.post("/api", () => ({ done: true }));
app.get("/live", defineWebSocketHandler({ message: (peer, message) => void peer.send(`echo: ${message.text()}`) }));

const server = serve(app, {
  port: Number(process.env.PORT ?? 3000),
  plugins: [webSockets({ resolve: async (request) => (await app.fetch(request)).crossws })],
});
const gate = createGate({ vhosts: localhost() }); // +
gate.guard(server.node.server); // +
gate.on("refused", (decision) => console.warn(explain(decision))); // +
