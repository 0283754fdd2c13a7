// How small bytes become on their way: as a server that takes its time would send them.
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/**
 * @param {Uint8Array} bytes
 * @returns {number}
 */
export function gzipped(bytes) {
  return gzipSync(bytes, { level: 9 }).length;
}

/**
 * @param {Uint8Array} bytes
 * @returns {number}
 */
export function brotlied(bytes) {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return brotliCompressSync(bytes, { params }).length;
}
