// NestJS on Express, with ws, guarded. The lines that end with "// +" are the gate's.

import "reflect-metadata";
import { Controller, Get, Module, Post } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { createGate, explain, localhost } from "headgate"; // +
import { WebSocketServer } from "ws";

// Decorators, called as functions: this file is not compiled.
class Pages {
  page() {
    return "a page\n";
  }
  api() {
    return { done: true };
  }
}
const { page, api } = Object.getOwnPropertyDescriptors(Pages.prototype);
Get("/")(Pages.prototype, "page", page);
Post("/api")(Pages.prototype, "api", api);
Controller()(Pages);
class Application {}
Module({ controllers: [Pages] })(Application);

const app = await NestFactory.create(Application, { logger: false });
app.use((request, _response, next) => next(void console.log("handled", request.headers["user-agent"])));
const server = app.getHttpServer();
const wss = new WebSocketServer({ server, path: "/live" });
wss.on("connection", (webSocket, request) => {
  console.log("handled", request.headers["user-agent"]);
  webSocket.on("message", (data) => webSocket.send(`echo: ${data}`));
});

const gate = createGate({ vhosts: localhost() }); // +
gate.guard(server); // +
gate.on("refused", (decision) => console.warn(explain(decision))); // +
await app.listen(Number(process.env.PORT ?? 3000));
