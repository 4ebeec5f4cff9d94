// In:    the list of connections that a server keeps, parsers of ours.
// Out:   its answers, with our parsers among them: `closeIdleConnections`, `closeAllConnections` and timeouts ask it.
// Never: gives Node's list an object that is not a parser of Node's.

/** A parser from the point of view of a list. */
export interface Listed {
  /** Milliseconds of `performance.now()` at which a message began that has taken more than one read; 0 between messages. */
  readonly started: number;
  /** The head of a message has come, and not all of its body. */
  readonly headDone: boolean;
  /** It was reported as expired, which happens once a message. */
  expired: boolean;
}

/** `ConnectionsList` of node:http, for parsers that report themselves to it from native code. */
interface ConnectionsList {
  all(): unknown[];
  idle(): unknown[];
  active(): unknown[];
  expired(headersTimeout: number, requestTimeout: number): unknown[];
}

const PARSERS = Symbol("headgate.parsers");

/** Our parsers of a list. The first call gives the list functions of its own, which ask its prototype's as well. */
export function listedOn(given: object): Set<Listed> {
  const list = given as ConnectionsList & { [PARSERS]?: Set<Listed> };
  const known = list[PARSERS];
  if (known !== undefined) return known;
  const parsers = new Set<Listed>();
  const { all, idle, active, expired } = list;
  const own: ConnectionsList & { [PARSERS]: Set<Listed> } = {
    [PARSERS]: parsers,
    all: () => [...all.call(list), ...parsers],
    idle: () => [...idle.call(list), ...[...parsers].filter((parser) => !isActive(parser))],
    active: () => [...active.call(list), ...[...parsers].filter(isActive)],
    expired: (headersTimeout, requestTimeout) => [
      ...expired.call(list, headersTimeout, requestTimeout),
      ...newlyExpired(parsers, headersTimeout, requestTimeout),
    ],
  };
  for (const name of Reflect.ownKeys(own)) {
    Object.defineProperty(list, name, { value: own[name as keyof typeof own], configurable: true, writable: true });
  }
  return parsers;
}

/** Within a message; a handler that runs is within its own. */
const isActive = ({ started, headDone }: Listed): boolean => started !== 0 || headDone;

/** Milliseconds; 0 for no timeout. */
function newlyExpired(parsers: Set<Listed>, headersTimeout: number, requestTimeout: number): Listed[] {
  // As Node: the head's time never exceeds the request's.
  const swapped = requestTimeout > 0 && headersTimeout > requestTimeout;
  const [ofHead, ofRequest] = swapped ? [requestTimeout, headersTimeout] : [headersTimeout, requestTimeout];
  const now = performance.now();
  const found: Listed[] = [];
  for (const parser of parsers) {
    if (parser.started === 0 || parser.expired) continue;
    const age = now - parser.started;
    const isLate = (ofHead > 0 && !parser.headDone && age > ofHead) || (ofRequest > 0 && age > ofRequest);
    if (!isLate) continue;
    parser.expired = true;
    found.push(parser);
  }
  return found;
}
