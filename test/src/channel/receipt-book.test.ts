import { expect } from "chai";

import type { PlayedRecord, PlayerStart } from "../../../src/channel/player.ts";
import { createReceiptBook, type ReceiptBook } from "../../../src/channel/receipt-book.ts";
import { NO_MEMBERS } from "../../../src/domain/channel/membership.ts";
import { encodeCallInput } from "../../../src/wire/channel/call.ts";
import { EMPTY_HASH, hashRecord, ZERO_HASH, type RecordHeader } from "../../../src/wire/channel/record.ts";

const SENDER = `0x${"11".repeat(20)}`;
const MIB = 1024 * 1024;

describe("channel/receipt-book", () => {
  let records: (PlayedRecord | PlayerStart)[];
  let lowest: number;
  let book: ReceiptBook;
  let player: Parameters<typeof createReceiptBook>[0] extends () => infer P ? P : never;
  let committed: number;

  beforeEach(() => {
    records = [recordOf(0, 0n)];
    lowest = 0;
    committed = 0;
    player = {
      get head() {
        return records.at(-1)!;
      },
      at: (height) => (height < lowest ? undefined : records[height]),
    };
    book = createReceiptBook(
      () => player,
      () => committed,
    );
  });

  it("finds a call by its number long after its record was forgotten", () => {
    for (let height = 1; height <= 20; height += 1) records.push(recordOf(height, BigInt(height)));
    book.catchUp();
    lowest = 15;
    for (let height = 21; height <= 40; height += 1) records.push(recordOf(height, BigInt(height)));
    lowest = 35;
    // It was not asked while 21 to 34 were known.
    expect(book.heightOf(SENDER, 3n)).to.equal(3);
    expect(book.at(3)?.recordHash).to.equal(records[3]!.hash);
    expect(book.heightOf(SENDER, 40n)).to.equal(40);
    expect(book.heightOf(SENDER, 25n)).to.equal(undefined);
  });

  it("forgets what was taken back, also when another record has its height before anybody asks", () => {
    records.push(recordOf(1, 1n), recordOf(2, 2n), recordOf(3, 3n));
    book.catchUp();
    records.length = 2;
    records.push(recordOf(2, 7n), recordOf(3, 2n), recordOf(4, 8n));
    expect(book.heightOf(SENDER, 2n)).to.equal(3);
    expect(book.heightOf(SENDER, 3n)).to.equal(undefined);
    expect(book.at(2)?.nonce).to.equal(7n);
    records.length = 2;
    expect(book.heightOf(SENDER, 7n)).to.equal(undefined);
    expect(book.at(2)).to.equal(undefined);
    expect(book.heightOf(SENDER, 1n)).to.equal(1);
  });

  it("does not know what became of what a snapshot stands in the place of, unless that was committed", () => {
    records.push(recordOf(1, 1n), recordOf(2, 2n), recordOf(3, 3n));
    committed = 2;
    book.catchUp();
    records = [];
    records[5] = recordOf(5, 9n);
    lowest = 5;
    player = { head: records[5], at: (height) => (height < lowest ? undefined : records[height]) };
    expect(book.at(2)?.nonce).to.equal(2n);
    expect(book.at(3)).to.equal(undefined);
    expect(book.heightOf(SENDER, 3n)).to.equal(undefined);
    expect([2, 3, 4, 6].map((height) => book.isUnsure(height))).to.deep.equal([false, true, true, false]);
  });

  it("keeps no more than some bytes", () => {
    for (let height = 1; height <= 40; height += 1) records.push(recordOf(height, BigInt(height), MIB));
    expect(book.heightOf(SENDER, 1n)).to.equal(undefined);
    expect(book.heightOf(SENDER, 40n)).to.equal(40);
    const kept = records.filter((_, height) => book.at(height) !== undefined).length;
    expect(kept).to.be.within(30, 32);
  });
});

function recordOf(height: number, nonce: bigint, returnBytes = 0): PlayedRecord {
  const header: RecordHeader = {
    channel: 1n,
    term: 1,
    height,
    kind: 1,
    timeMs: height,
    previous: ZERO_HASH,
    inputHash: EMPTY_HASH,
    touchedHash: EMPTY_HASH,
    writesHash: EMPTY_HASH,
    status: 1,
    gasUsed: Number(nonce),
    returnHash: EMPTY_HASH,
    stateRoot: ZERO_HASH,
    inboxCursor: 0,
  };
  const call = { channel: 1n, sender: SENDER, nonce, gasLimit: 1n, validUntilMs: 1n, data: new Uint8Array() };
  const input = encodeCallInput({ call, signature: new Uint8Array(65) });
  return {
    header,
    hash: hashRecord(header),
    body: { ...header, input },
    membership: NO_MEMBERS,
    touched: [],
    returnData: new Uint8Array(returnBytes),
    logs: [],
  };
}
