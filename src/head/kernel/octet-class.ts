// In:    nothing.
// Out:   the classes of octets in the kernel's table (`kernel().classes`), for readers in other rooms.
// Never: holds the table.

import { OctetClass } from "../../../assembly/abi.js";

/** HEXDIG (RFC 5234 Appendix B.1). */
export const HEXDIG: number = OctetClass.HEXDIG;
/** tchar (RFC 9110 §5.6.2). */
export const TOKEN: number = OctetClass.TOKEN;
/** What a field value may hold (RFC 9110 §5.5). */
export const VALUE: number = OctetClass.VALUE;
