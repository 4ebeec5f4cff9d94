// In:    from its parent: how many connections to open, from which address, what each sends.
// Out:   to its parent: what came back on them; of those that never end, that they are open.
// Never: runs tests; test/attack/storm.test.ts starts it.

import net from "node:net";
import tls from "node:tls";

/** Clients of one address. */
export interface Clients {
  readonly port: number;
  readonly from: string;
  readonly count: number;
  /** So many at a time, each from its connecting to its end. */
  readonly atOnce: number;
  readonly secure: boolean;
  /** What they send, in turn. */
  readonly sends: readonly string[];
  /** They stay, whatever comes back, until the process is stopped. */
  readonly stay: boolean;
}

/** Connections by what came back: a status code, `nothing`, or an error. */
export type Answers = Record<string, number>;

process.on("message", async (clients: Clients) => {
  if (clients.stay) process.send!(await occupy(clients));
  else process.send!(await visit(clients));
});
process.on("disconnect", () => process.exit());

function dial({ port, from, secure }: Clients, allowHalfOpen: boolean): net.Socket {
  const to = { port, host: "127.0.0.1", localAddress: from, allowHalfOpen };
  if (!secure) return net.connect(to);
  return tls.connect({ ...to, servername: "localhost", rejectUnauthorized: false });
}

/** Opens connections, and leaves them. */
function occupy(clients: Clients): Promise<"open"> {
  const { count, sends } = clients;
  return new Promise((resolve) => {
    let opened = 0;
    for (let i = 0; i < count; i++) {
      const socket = dial(clients, true);
      socket.once("connect", () => {
        if (sends[i % sends.length] !== "") socket.write(sends[i % sends.length]!, "latin1");
        if (++opened === count) resolve("open");
      });
      socket.on("error", () => {}).resume();
    }
  });
}

async function visit(clients: Clients): Promise<Answers> {
  const answers: Answers = {};
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < clients.count) {
      const answer = await answerTo(clients, next++);
      answers[answer] = (answers[answer] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: clients.atOnce }, one));
  return answers;
}

function answerTo(clients: Clients, index: number): Promise<string> {
  const { secure, sends } = clients;
  return new Promise((resolve) => {
    const socket = dial(clients, false);
    let answer = "nothing";
    socket.once(secure ? "secureConnect" : "connect", () => socket.write(sends[index % sends.length]!, "latin1"));
    socket.once("data", (octets: Buffer) => {
      answer = octets.toString("latin1", 9, 12);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (answer === "nothing") answer = error.code ?? error.message;
    });
    socket.once("close", () => resolve(answer));
  });
}
