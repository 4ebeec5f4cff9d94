// In:    from its parent: how many connections to open, where to, how fast.
// Out:   to its parent: "open" when all are, then what came back on them and how soon, once all are closed.
// Never: sends more than half a head; wave.test.ts forks it.

import { connect } from "node:net";

/** What the parent asks for. */
export interface Order {
  readonly port: number;
  readonly connections: number;
  /** Client addresses, 127.0.0.1 and on; the connections are dealt out among them. */
  readonly addresses: number;
  readonly perSecond: number;
}

/** What became of a crowd's connections. */
export interface Outcome {
  /** Milliseconds that opening them took. */
  readonly opening: number;
  /** Connections by what came back: a status code, `nothing`, or an error. */
  readonly answers: Record<string, number>;
  /** The fewest milliseconds from when a connection was asked for to its answer. */
  readonly soonest: number;
}

const HALF_A_HEAD = "GET /live HTTP/1.1\r\nHost: a\r\nUser-Agent: ha";
/** Between two handfuls of new connections. */
const PACE = 20;

process.on("message", (order: Order) => void open(order));

function open({ port, connections, addresses, perSecond }: Order): void {
  const started = performance.now();
  const answers: Record<string, number> = {};
  let [begun, opened, closed, opening, soonest] = [0, 0, 0, 0, Number.POSITIVE_INFINITY];

  const one = (index: number): void => {
    let answer = "nothing";
    const since = performance.now();
    const host = `127.0.0.${1 + (index % addresses)}`;
    const socket = connect({ port, host: "127.0.0.1", localAddress: host });
    socket.on("connect", () => {
      socket.write(HALF_A_HEAD);
      if (++opened < connections) return;
      opening = performance.now() - started;
      process.send!("open");
    });
    socket.once("data", (octets: Buffer) => {
      soonest = Math.min(soonest, performance.now() - since);
      answer = octets.toString("latin1", 9, 12);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => (answer = error.code ?? error.message));
    socket.on("close", () => {
      answers[answer] = (answers[answer] ?? 0) + 1;
      if (++closed < connections) return;
      process.send!({ opening, answers, soonest } satisfies Outcome);
    });
  };

  // What was missed is not made up for: as fast as they come in, they fall due.
  const handful = Math.ceil((perSecond * PACE) / 1000);
  const timer = setInterval(() => {
    for (let i = 0; i < handful && begun < connections; i++) one(begun++);
    if (begun === connections) clearInterval(timer);
  }, PACE);
}
