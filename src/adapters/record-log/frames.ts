import { crc32 } from "node:zlib";

import type { LogEntry } from "../../ports/record-log.ts";

/** Length of the bytes (4), checksum of what follows it (4), height (8). */
const FRAME_HEADER_BYTES = 16;
const CHECKSUM_AT = 4;
const HEIGHT_AT = 8;
/** More than any entry has: a length beyond it is no length. */
const MAX_ENTRY_BYTES = 16 * 1024 * 1024;

/** An entry as it stands in a file. */
export function encodeFrame({ height, bytes }: LogEntry): Buffer {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + bytes.length);
  frame.writeUInt32BE(bytes.length, 0);
  frame.writeBigUInt64BE(BigInt(height), HEIGHT_AT);
  frame.set(bytes, FRAME_HEADER_BYTES);
  frame.writeUInt32BE(crc32(frame.subarray(HEIGHT_AT)), CHECKSUM_AT);
  return frame;
}

/** The entry that begins at `at`, and where the next one does; undefined for what is torn or damaged. */
export function decodeFrame(file: Buffer, at: number): { readonly entry: LogEntry; readonly end: number } | undefined {
  if (at + FRAME_HEADER_BYTES > file.length) return undefined;
  const length = file.readUInt32BE(at);
  const end = at + FRAME_HEADER_BYTES + length;
  if (length > MAX_ENTRY_BYTES || end > file.length) return undefined;
  if (crc32(file.subarray(at + HEIGHT_AT, end)) !== file.readUInt32BE(at + CHECKSUM_AT)) return undefined;
  const height = Number(file.readBigUInt64BE(at + HEIGHT_AT));
  return { entry: { height, bytes: new Uint8Array(file.subarray(at + FRAME_HEADER_BYTES, end)) }, end };
}
