// A Vite development server, guarded by a plugin; in a vite.config.js, only the plugin is needed. The lines that end with "// +" are
// the gate's.

import { createGate, localhost } from "headgate"; // +
import { createServer } from "vite";

const log = {
  name: "log",
  configureServer({ middlewares, httpServer }) {
    middlewares.use(({ headers }, _response, next) => next(void console.log("handled", headers["user-agent"])));
    httpServer.on("upgrade", ({ headers }) => console.log("handled", headers["user-agent"]));
  },
};
const guard = ({ httpServer }) => void createGate({ vhosts: localhost() }).guard(httpServer); // +
const vite = await createServer({
  root: process.env.ROOT,
  logLevel: "silent",
  plugins: [
    log,
    { name: "headgate", configureServer: guard }, // +
  ],
  server: { host: "localhost", port: Number(process.env.PORT ?? 3000), strictPort: true },
});
await vite.listen();
