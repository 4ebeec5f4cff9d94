// In:    imports of WebAssembly, as Workers have them.
// Out:   their type.
// Never: has code.

declare module "headgate/kernel/simd.wasm" {
  const kernel: Parameters<typeof import("headgate/parser").useKernel>[0];
  export default kernel;
}
