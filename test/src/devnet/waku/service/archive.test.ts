import { expect } from "chai";
import { WakuMessage } from "@waku/proto";

import { createArchive, messageHash } from "../../../../../src/devnet/waku/service/archive.ts";
import type { Archive, ArchiveQuery } from "../../../../../src/devnet/waku/service/archive.ts";
import { fromHex, toHex, utf8 } from "../../../../../src/utils/bytes.ts";

const TOPIC = "/sprf/1/ask-7/cbor";
const ALL: ArchiveQuery = { contentTopics: [], messageHashes: [], forward: true };

describe("devnet/waku/service/archive", () => {
  let archive: Archive;
  const add = (at: number, changes: Partial<WakuMessage> = {}): void => {
    archive.add(WakuMessage.encode({ contentTopic: TOPIC, payload: utf8(`${at}`), timestamp: BigInt(at), ...changes }));
  };
  const texts = (query: Partial<ArchiveQuery>): string[] | undefined =>
    archive.query({ ...ALL, ...query })?.map(({ message }) => new TextDecoder().decode(message.payload));

  beforeEach(() => {
    archive = createArchive("/waku/2/rs/42/0");
  });

  it("should hash messages as the specification's test vector has it", () => {
    const message = {
      payload: fromHex("0x010203045445535405060708"),
      contentTopic: "/waku/2/default-content/proto",
      meta: fromHex("0x73757065722d736563726574"),
      timestamp: 0x175789bfa23f8400n,
    };
    expect(toHex(messageHash("/waku/2/default-waku/proto", message))).to.equal(
      "64cce733fed134e83da02b02c6f689814872b1a0ac97ea56b76095c3c72bfe05",
    );
  });

  it("should give pages in either direction, by time and by topic", () => {
    for (let at = 1; at <= 6; at += 1) add(at, at === 4 ? { contentTopic: "/sprf/1/ask-8/cbor" } : {});
    expect(texts({ contentTopics: [TOPIC], limit: 3 })).to.deep.equal(["1", "2", "3"]);
    const cursor = archive.query({ ...ALL, limit: 3 })?.at(-1)?.hash;
    expect(texts({ limit: 2, cursor })).to.deep.equal(["4", "5"]);
    expect(texts({ limit: 2, forward: false })).to.deep.equal(["5", "6"]);
    expect(texts({ timeStart: 2n, timeEnd: 3n })).to.deep.equal(["2", "3"]);
    expect(texts({ messageHashes: cursor === undefined ? [] : [cursor] })).to.deep.equal(["3"]);
    expect(texts({ cursor: new Uint8Array(32) })).to.equal(undefined);
  });

  it("should keep nothing that its sender calls ephemeral, and nothing twice", () => {
    add(1, { ephemeral: true });
    add(2);
    add(2);
    expect(texts({})).to.deep.equal(["2"]);
  });

  it("should hold no more than its bounds, the latest", () => {
    for (let at = 0; at < 2_100; at += 1) add(at);
    expect(texts({ limit: 1 })).to.deep.equal(["100"]);
    for (let at = 0; at < 400; at += 1) add(10_000 + at, { payload: new Uint8Array(100_000).fill(at) });
    expect(archive.bytes).to.be.at.most(32 * 2 ** 20);
  });
});
