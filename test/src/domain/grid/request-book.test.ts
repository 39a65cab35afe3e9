import { expect } from "chai";

import { createRequestBook } from "../../../../src/domain/grid/request-book.ts";
import { encodeGridMessage } from "../../../../src/wire/grid/messages.ts";
import { verifyGridMessage } from "../../../../src/wire/grid/verify-message.ts";
import { GRID_ADDRESS, GRID_CHAIN_ID, GRID_NOW_MS, exampleGridRequest } from "../../../helpers/grid-messages.ts";
import { messageKeysOf } from "../../../helpers/message-keys.ts";

const request = exampleGridRequest();
const payload = encodeGridMessage(request);
const reply = new Uint8Array([1, 2, 3]);

describe("domain/grid/request-book", () => {
  it("takes a message once, and has its answer for when it comes again", () => {
    const book = createRequestBook({ capacity: 4 });
    expect(book.take(request, payload, GRID_NOW_MS)).to.deep.equal({ kind: "new" });
    expect(book.take(request, payload, GRID_NOW_MS)).to.deep.equal({ kind: "again", reply: undefined });
    book.answer(request, reply, GRID_NOW_MS);
    expect(book.take(request, payload, GRID_NOW_MS + 1)).to.deep.equal({ kind: "again", reply });
  });

  it("remembers for as long as a replay would be taken for fresh", () => {
    const book = createRequestBook({ capacity: 4 });
    const context = { self: messageKeysOf("node").publicKey, chainId: GRID_CHAIN_ID, grid: GRID_ADDRESS };
    const last = request.expiresAt + 30_000;
    book.take(request, payload, GRID_NOW_MS);
    expect(verifyGridMessage(payload, request.from, { ...context, nowMs: last }).kind).to.equal("status");
    expect(book.take(request, payload, last).kind).to.equal("again");
    expect(() => verifyGridMessage(payload, request.from, { ...context, nowMs: last + 1 })).to.throw();
  });

  it("tells another message of the same id from it, and ids of different senders apart", () => {
    const book = createRequestBook({ capacity: 4 });
    book.take(request, payload, GRID_NOW_MS);
    const other = exampleGridRequest({ contractId: 6n });
    expect(book.take(other, encodeGridMessage(other), GRID_NOW_MS).kind).to.equal("conflict");
    const stranger = exampleGridRequest({ from: new Uint8Array(messageKeysOf("other").publicKey) });
    expect(book.take(stranger, encodeGridMessage(stranger), GRID_NOW_MS).kind).to.equal("new");
  });
});
