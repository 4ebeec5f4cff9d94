// In:    what came back for a probe, and for its baseline.
// Out:   a verdict.
// Never: asks, or reads a text; two responses are compared.

/** What came back. */
export type Answer =
  /** `digest`: of the content, as far as it was read. */
  | { readonly kind: "response"; readonly statusCode: number; readonly digest: string }
  /** The connection was closed without a response. */
  | { readonly kind: "closed" }
  /** Nothing came in time. */
  | { readonly kind: "silent" }
  /** What came is not a response of HTTP. */
  | { readonly kind: "malformed" }
  | { readonly kind: "unreachable"; readonly reason: string };

type Response = Extract<Answer, { kind: "response" }>;

/** The response to a good request, asked twice. */
export interface Baseline {
  readonly response: Response;
  /** The content is the same each time. */
  readonly isStable: boolean;
}

/** `red`: it got through. `green`: it was refused. `yellow`: neither is certain. */
type Colour = "red" | "green" | "yellow";
export interface Verdict {
  readonly colour: Colour;
  readonly reason: string;
}

/** Status codes that refuse a hostile request, whichever server they come from. */
const REFUSALS: ReadonlySet<number> = new Set([400, 403, 404, 421, 426]);

export function judge(answer: Answer, baseline: Baseline, refusals: readonly number[] = []): Verdict {
  switch (answer.kind) {
    case "closed":
      return { colour: "green", reason: "closed" };
    case "silent":
      return { colour: "yellow", reason: "no response in time" };
    case "malformed":
      return { colour: "yellow", reason: "not a response of HTTP" };
    case "unreachable":
      return { colour: "yellow", reason: answer.reason };
    case "response":
      return judgeResponse(answer, baseline, refusals);
  }
}

function judgeResponse(response: Response, baseline: Baseline, refusals: readonly number[]): Verdict {
  const { statusCode } = response;
  if (statusCode === 101) return { colour: "red", reason: "101, a WebSocket" };
  if (isSame(response, baseline)) return { colour: "red", reason: `${statusCode}, as under a good Host` };
  if (REFUSALS.has(statusCode) || refusals.includes(statusCode)) return { colour: "green", reason: `${statusCode}` };
  if (statusCode >= 200 && statusCode <= 299) return { colour: "red", reason: `${statusCode}, served` };
  return { colour: "yellow", reason: `${statusCode}` };
}

function isSame({ statusCode, digest }: Response, { response, isStable }: Baseline): boolean {
  return statusCode === response.statusCode && (!isStable || digest === response.digest);
}

/** Why nothing can be compared with this baseline; null if it is one. */
export function unusable(answer: Answer): string | null {
  switch (answer.kind) {
    case "unreachable":
      return answer.reason;
    case "closed":
      return "the connection is closed without a response";
    case "silent":
      return "no response in time";
    case "malformed":
      return "what comes back is not a response of HTTP";
    case "response":
      // What refuses the good request refuses the others in the same words.
      return [400, 403, 421, 426].includes(answer.statusCode)
        ? `the good request is refused, ${answer.statusCode}`
        : null;
  }
}
