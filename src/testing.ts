// In:    imports of headgate/testing.
// Out:   the contracts of framers and of ways in, for any test runner.
// Never: holds code.

export { ContractBreach, type ContractCase } from "./testing/contract.js";
export { type FramerContractOptions, framerContract } from "./testing/framer.js";
export { type FramerRoad, type FramerRoadEnd, framerRoads } from "./testing/roads.js";
export { type WayIn, type WayInContract, type WayInContractOptions, wayInContract } from "./testing/way-in.js";
export { type ContractGate, type ContractState, wayInGate } from "./testing/way-in-gate.js";
