import { SprfError } from "../../errors.ts";

const LENGTH_BYTES = 4;

/** A message with its length before it. */
export function encodeFrame(message: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + message.length);
  frame.writeUInt32BE(message.length);
  frame.set(message, LENGTH_BYTES);
  return frame;
}

/** Puts messages together from the pieces in which a stream brings them. */
export interface FrameReader {
  /** The messages that are whole now. @throws SprfError `MESSAGE_INVALID` for one that is longer than allowed */
  push(piece: Uint8Array): Uint8Array[];
}

export function createFrameReader(maxBytes: number): FrameReader {
  let pieces: Uint8Array[] = [];
  let have = 0;
  let need = LENGTH_BYTES;
  return {
    push(piece) {
      pieces.push(piece);
      have += piece.length;
      // Put together once enough is there: a message in many pieces must not be copied again with each.
      if (have < need) return [];
      const bytes = Buffer.concat(pieces);
      const messages: Uint8Array[] = [];
      let at = 0;
      need = LENGTH_BYTES;
      while (bytes.length - at >= LENGTH_BYTES) {
        const length = bytes.readUInt32BE(at);
        if (length > maxBytes)
          throw new SprfError("MESSAGE_INVALID", `a message of ${length} bytes, at most ${maxBytes}`);
        need = LENGTH_BYTES + length;
        if (bytes.length - at < need) break;
        messages.push(new Uint8Array(bytes.subarray(at + LENGTH_BYTES, at + need)));
        at += need;
        need = LENGTH_BYTES;
      }
      pieces = [bytes.subarray(at)];
      have = bytes.length - at;
      return messages;
    },
  };
}
