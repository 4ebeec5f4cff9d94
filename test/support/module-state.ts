// In:    the text of a module, as the formatter leaves it: what begins in the first column is done when it is loaded.
// Out:   each place where it keeps something from one call to the next.
// Never: parses TypeScript, or follows a table that goes by another name.

/** Classes whose instances are tables: they change only when a caller changes them. */
const TABLES = "Map|Set|Uint8Array|RegExp";
const MUTATORS = "set|add|delete|clear|push|pop|shift|unshift|splice|sort|reverse|fill|copyWithin";
const ASSIGNMENT = String.raw`(?:[-+*/%&|^]|\*\*|<<|>>>?|&&|\|\||\?\?)?=(?![=>])|\+\+|--`;
const SETTERS = String.raw`Object\.(?:assign|definePropert(?:y|ies)|setPrototypeOf)|Reflect\.\w+`;
const MEMBER = String.raw`(?:[?!]?\.\w+|[?!]?\.?\[[^\]\n]+\])`;

/** Statements that are state by themselves. */
const statements = [
  /^(?:export )?(?:let|var) .*/gm,
  // What a function that is called at once closes over.
  /^\}\)\(.*/gm,
  /^ +static (?!readonly )[#\w]+(?:: [^=;(]+)?(?: =|;).*/gm,
  new RegExp(String.raw`^(?:export )?const \w+(?:: [^=]+)? = new (?!(?:${TABLES})\b).*`, "gm"),
];

export function moduleState(text: string): string[] {
  const code = bare(text);
  // What is done for each entry while the module is loaded makes its tables.
  const later = code
    .split(/\n(?=[^\s})\]])/)
    .filter((statement) => !/^(?:for|if) \(/.test(statement))
    .join("\n");
  // Not a type: after a colon, `Name[] =` is one.
  const table = String.raw`(?<![\w.$#]|: )(?:${namesOf(code).join("|")})\b`;
  const changes = [
    String.raw`${table}${MEMBER}*[?!]?\.(?:${MUTATORS})\(`,
    String.raw`${table}${MEMBER}+!?\s*(?:${ASSIGNMENT})`,
    String.raw`(?:\+\+|--|\bdelete )${table}${MEMBER}+`,
    String.raw`\b(?:${SETTERS})\(${table}`,
  ].map((change) => new RegExp(change, "g"));
  return [
    ...statements.flatMap((statement) => code.match(statement) ?? []),
    ...changes.flatMap((change) => later.match(change) ?? []),
  ];
}

/** Without comments, and with empty strings. */
function bare(text: string): string {
  const parts = /(["'])(?:(?!\1)[^\\\n]|\\.)*\1|`(?:[^`\\]|\\.)*`|\/\/[^\n]*|\/\*.*?\*\//gs;
  return text.replace(parts, (part, quote) => (quote ? '""' : part.startsWith("`") ? part : ""));
}

/** Names that mean the same everywhere in the module: its own, and those that it imports. */
function namesOf(code: string): string[] {
  const single = code.matchAll(/^(?:(?:export )?(?:const|class)|import(?: \* as)?) (\w+)/gm);
  const listed = code.matchAll(/^(?:import|(?:export )?const) (?:\w+, )?[{[]([^}\]]*)[}\]] (?:from|=)/gm);
  const lists = [...listed].flatMap(([, list]) => list!.split(",").map((each) => /\w*(?=\s*$)/.exec(each)![0]));
  return [...[...single].map(([, name]) => name!), ...lists, "globalThis"].filter((name) => name !== "");
}
