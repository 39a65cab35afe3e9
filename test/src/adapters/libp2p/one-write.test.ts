import type { ConnectionEncrypter, MessageStream } from "@libp2p/interface";
import { expect } from "chai";

import { inOneWrite } from "../../../../src/adapters/libp2p/one-write.ts";

describe("adapters/libp2p/one-write", () => {
  it("should give a message to the socket in one piece, with the same bytes", async () => {
    const sent: unknown[] = [];
    const socket = { send: (data: unknown) => sent.push(data) > 0 } as unknown as MessageStream;
    const secure = async (connection: MessageStream): Promise<never> => {
      connection.send(inPieces(Uint8Array.of(0, 2), Uint8Array.of(7, 8)));
      connection.send(Uint8Array.of(9));
      return undefined as never;
    };
    const encrypter: ConnectionEncrypter = { protocol: "/test", secureInbound: secure, secureOutbound: secure };
    const wrapped = inOneWrite(() => encrypter)({});
    expect(wrapped.protocol).to.equal("/test");
    await wrapped.secureOutbound(socket);
    expect(sent).to.deep.equal([Uint8Array.of(0, 2, 7, 8), Uint8Array.of(9)]);
  });
});

/** A list of pieces as Noise makes them, as far as it is looked at. */
function inPieces(...pieces: readonly Uint8Array[]): Parameters<MessageStream["send"]>[0] {
  return { subarray: () => new Uint8Array(Buffer.concat(pieces)) } as unknown as Parameters<MessageStream["send"]>[0];
}
