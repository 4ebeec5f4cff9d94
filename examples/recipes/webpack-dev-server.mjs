// webpack-dev-server 6, guarded; in a webpack.config.js, the option onListening is all that is needed. The lines that end with "// +"
// are the gate's.

import { createGate, localhost } from "headgate"; // +
import webpack from "webpack";
import WebpackDevServer from "webpack-dev-server";

const compiler = webpack({
  context: process.env.ROOT,
  entry: "./main.js",
  mode: "development",
  infrastructureLogging: { level: "none" },
  stats: "none",
});
const devServer = new WebpackDevServer(
  {
    port: Number(process.env.PORT ?? 3000),
    static: process.env.ROOT,
    setupMiddlewares: (middlewares, { server }) => {
      server.on("upgrade", ({ headers }) => console.log("handled", headers["user-agent"]));
      const log = ({ headers }, _response, next) => next(void console.log("handled", headers["user-agent"]));
      return [log, ...middlewares];
    },
    onListening: ({ server }) => void createGate({ vhosts: localhost() }).guard(server), // +
  },
  compiler,
);
await devServer.start();
