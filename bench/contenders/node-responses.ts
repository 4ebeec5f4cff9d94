// In:    responses, one after another on one connection.
// Out:   calls for each head, with its strings, and for each part of its content.
// Never: reads requests; node-parser.ts does.

import { createRequire } from "node:module";

/** A head with its field lines, name, value, name, value; or content: `fields` is null, and `length` counts. */
export type TellResponse = (statusCode: number, reason: string, fields: string[] | null, length: number) => void;

interface NodeParser {
  [callback: number]: unknown;
  initialize(type: number, resource: object, maxHeaderSize: number): void;
  execute(octets: Uint8Array): number | Error;
}

type NodeParserClass = { new (): NodeParser } & Readonly<
  Record<"RESPONSE" | "kOnHeaders" | "kOnHeadersComplete" | "kOnBody" | "kOnMessageComplete", number>
>;

/** Node's parser, as a client of node:http has it, kept for all responses of a connection. */
export class NodeResponses {
  readonly #parser: NodeParser;
  #fields: string[] = [];

  constructor(tell: TellResponse) {
    const { HTTPParser } = createRequire(import.meta.url)("_http_common") as { HTTPParser: NodeParserClass };
    const parser = new HTTPParser();
    parser.initialize(HTTPParser.RESPONSE, {}, 0);
    parser[HTTPParser.kOnHeaders] = (fields: string[]) => void this.#fields.push(...fields);
    parser[HTTPParser.kOnHeadersComplete] = (...given: unknown[]) => {
      const [, , fields, , , statusCode, reason] = given as [
        unknown,
        unknown,
        string[],
        unknown,
        unknown,
        number,
        string,
      ];
      tell(statusCode, reason, fields ?? this.#fields, 0);
      this.#fields = [];
      return 0;
    };
    parser[HTTPParser.kOnBody] = (octets: Uint8Array) => tell(0, "", null, octets.length);
    parser[HTTPParser.kOnMessageComplete] = () => {};
    this.#parser = parser;
  }

  execute(octets: Uint8Array): void {
    const result = this.#parser.execute(octets);
    if (typeof result !== "number") throw result;
  }
}
