// In:    imports of headgate/testing.
// Out:   the contract of framers, for any test runner.
// Never: holds code.

export { ContractBreach, type ContractCase } from "./testing/contract.js";
export { type FramerContractOptions, framerContract } from "./testing/framer.js";
export { type FramerRoad, type FramerRoadEnd, framerRoads } from "./testing/roads.js";
