// What an endpoint shows on the wire: each look is a handshake of its own, without verification or session cache unless asked for.

export { type Dial, directly, type Target } from './dial.ts';
export { type HttpsProbe, httpsProbe, type ProbeResult } from './https-probe.ts';
export { type ServedChain, type ServedOptions, servedChain, WireError } from './served-chain.ts';
