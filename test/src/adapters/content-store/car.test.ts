import { expect } from "chai";
import fc from "fast-check";

import { carBlockHead, carHeader, readCar, type CarBlock } from "../../../../src/adapters/content-store/car.ts";
import { recordCid } from "../../../../src/adapters/content-store/cid.ts";
import { isSprfError } from "../../../../src/errors.ts";
import { concatBytes } from "../../../../src/utils/bytes.ts";
import { codeOf } from "../../../helpers/code-of.ts";

const block = fc.uint8Array({ maxLength: 300 });

/** The bytes in pieces of the given lengths, over and over. */
async function* cut(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? bytes.length;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<CarBlock[]> {
  const found: CarBlock[] = [];
  for await (const part of readCar(stream)) found.push(part);
  return found;
}

function carOf(blocks: readonly Uint8Array[]): Uint8Array {
  const named = blocks.map((bytes) => ({ cid: recordCid(bytes), bytes }));
  const sections = named.flatMap((entry) => [carBlockHead(entry), entry.bytes]);
  return concatBytes(carHeader(recordCid(new Uint8Array(0))), ...sections);
}

describe("CAR streams", () => {
  it("should give back what was written, however it is cut", async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(block, { maxLength: 8 }), lengths, async (blocks, pieces) => {
        const read = await all(cut(carOf(blocks), pieces));
        expect(read.map(({ bytes }) => Buffer.from(bytes))).to.deep.equal(blocks.map((bytes) => Buffer.from(bytes)));
        for (const { cid, bytes } of read) expect(cid.toString()).to.equal(recordCid(bytes).toString());
      }),
      { numRuns: 60 },
    );
  });

  it("should refuse what ends early, and never more than that", async () => {
    const whole = carOf([new Uint8Array(200).fill(7), new Uint8Array(100).fill(8)]);
    const ends = new Set<number>();
    for (let length = 1; length < whole.length; length += 1) {
      if ((await codeOf(all(cut(whole.subarray(0, length), [50])))) === undefined) ends.add(length);
    }
    // After the header, and after the first block.
    expect(ends.size).to.equal(2);
  });

  it("should refuse any bytes with the right error", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), async (noise, withHeader) => {
        const bytes = withHeader ? concatBytes(carHeader(recordCid(noise)), noise) : noise;
        try {
          await all(cut(bytes, [33]));
        } catch (error) {
          const isRight = isSprfError(error, "CONTENT_CORRUPT") || isSprfError(error, "CONTENT_NOT_FOUND");
          expect(isRight, String(error)).to.equal(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("should not wait for more than the largest block, whatever length is claimed", async () => {
    const claims = Uint8Array.of(0xff, 0xff, 0xff, 0x7f);
    let sent = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield concatBytes(carHeader(recordCid(claims)), claims);
      for (; ; sent += 1) yield new Uint8Array(65_536);
    }
    expect(await codeOf(all(endless()))).to.equal("CONTENT_CORRUPT");
    expect(sent).to.equal(0);
  });
});
