// In:    nothing.
// Out:   modules of Node that few processes need, loaded when one of them is first asked for.
// Never: loads one before: each takes milliseconds.

export const http2 = (): typeof import("node:http2") => process.getBuiltinModule("node:http2");
export const https = (): typeof import("node:https") => process.getBuiltinModule("node:https");
export const tls = (): typeof import("node:tls") => process.getBuiltinModule("node:tls");
