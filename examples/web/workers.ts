// In:    requests that a Workers runtime receives.
// Out:   what the policy or the application responds.
// Never: compiles WebAssembly from bytes, which Workers forbid: the kernel is a module that the runtime has compiled.

import kernel from "headgate/kernel/simd.wasm";
import { useKernel } from "headgate/parser";
import { handle } from "./application.js";

useKernel(kernel);

export default { fetch: (request: Request): Response => handle(request) };
