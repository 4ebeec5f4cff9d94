// In:    nothing.
// Out:   the classes of octets, as the kernel's table has them, for readers outside this room.
// Never: holds the table.

export { OctetClass } from "../../../assembly/abi.js";
