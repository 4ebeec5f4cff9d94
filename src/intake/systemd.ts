// In:    descriptors that the service manager passed, and the variables that announce them.
// Out:   listening servers, or the one connection that this process was started for.
// Never: takes descriptors that are meant for another process, or leaves the variables to children.

import { closeSync, openSync } from "node:fs";
import { createServer, type Server, type ServerOpts, Socket } from "node:net";

/** Where the first passed descriptor is (sd_listen_fds(3), SD_LISTEN_FDS_START). */
const FIRST = 3;

/** More than a process may have open (fs.nr_open of Linux, proc_sys_fs(5), by default). */
const TOO_MANY = 1_048_577;

/** One descriptor that was passed, and its name from FileDescriptorName=; `unknown` if no names are passed. */
export interface Descriptor {
  readonly fd: number;
  readonly name: string;
}

/** A listening socket of a socket unit, as a server. */
export interface SystemdListener {
  readonly name: string;
  readonly server: Server;
}

/**
 * The descriptors that systemd passed to this process (sd_listen_fds_with_names(3)), once: the variables LISTEN_PID, LISTEN_FDS
 * and LISTEN_FDNAMES are then unset, so that children do not take the descriptors for theirs. `server.listen({ fd })` takes a
 * listening one.
 *
 * Throws `TypeError` if nothing was passed, or if it was passed to another process.
 */
export function systemdDescriptors(): Descriptor[] {
  const { LISTEN_PID: pid, LISTEN_FDS: fds, LISTEN_FDNAMES: fdNames } = process.env;
  if (pid === undefined || fds === undefined) {
    throw new TypeError(
      `${fds === undefined ? "LISTEN_FDS" : "LISTEN_PID"} is not set: no socket unit started this process, or its ` +
        "descriptors have already been taken; to try it: systemd-socket-activate -l 8080 node server.js",
    );
  }
  if (pid !== String(process.pid)) {
    throw new TypeError(
      `LISTEN_PID is ${pid}, and this process is ${process.pid}: the descriptors are for another process; let the unit start node ` +
        "itself, without a shell or npm between: ExecStart=/usr/bin/node server.js",
    );
  }
  const count = Number(fds);
  if (!/^\d+$/.test(fds) || count < 1 || count >= TOO_MANY)
    throw new TypeError(`LISTEN_FDS is ${JSON.stringify(fds)}, which is not a number of descriptors`);
  const names = fdNames === undefined ? [] : fdNames.split(":");
  if (names.length > 0 && names.length !== count) {
    throw new TypeError(`LISTEN_FDNAMES has ${names.length} names, but LISTEN_FDS is ${count}`);
  }
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete process.env[name];
  return Array.from({ length: count }, (_, i) => ({ fd: FIRST + i, name: names[i] ?? "unknown" }));
}

/**
 * A server for each listening socket of the socket units (Accept=no). `take` gets each accepted connection and the name of its
 * socket: `systemdListeners((socket, name) => gate.adopt(socket))`. A descriptor that is not a listening stream socket causes an 'error'
 * event of its server. Throws like `systemdDescriptors`.
 */
export function systemdListeners(
  take: (socket: Socket, name: string) => void,
  options: ServerOpts = { pauseOnConnect: true },
): SystemdListener[] {
  if (typeof take !== "function")
    throw new TypeError("systemdListeners takes a function: (socket, name) => gate.adopt(socket)");
  return systemdDescriptors().map(({ fd, name }) => ({
    name,
    server: createServer(options, (socket) => take(socket, name)).listen({ fd }),
  }));
}

/**
 * The connection that this process was started for (Accept=yes): `gate.adopt(systemdConnection())`. Throws like
 * `systemdDescriptors`, and if more than one descriptor was passed.
 */
export function systemdConnection(): Socket {
  const [first, ...others] = systemdDescriptors();
  if (others.length > 0) {
    throw new TypeError(
      `LISTEN_FDS is ${others.length + 1}, and a connection is one descriptor; for listening sockets, use systemdListeners`,
    );
  }
  return new Socket({ fd: first!.fd });
}

/**
 * The connection that this process has as its standard input and output (StandardInput=socket, or inetd). From now on
 * standard output goes nowhere: anything logged there would go to the client, and would keep the connection open.
 *
 * Throws `TypeError` if standard input is not a socket.
 */
export function inetdConnection(): Socket {
  let socket: Socket;
  try {
    socket = new Socket({ fd: 0 });
  } catch (cause) {
    throw new TypeError(
      "standard input is not a socket: start this process with StandardInput=socket; to try it: " +
        "systemd-socket-activate --accept --inetd -l 8080 node server.js",
      { cause },
    );
  }
  // The next descriptor to be opened is the lowest free one (POSIX open()).
  closeSync(1);
  openSync("/dev/null", "w");
  return socket;
}
