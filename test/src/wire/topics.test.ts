import { expect } from "chai";

import { SprfError } from "../../../src/errors.ts";
import { contactTopicOf, gridTopicOf, isContentTopic, isReplyTopic, replyTopicOf } from "../../../src/wire/topics.ts";

describe("topics", () => {
  it("takes the contact topic from the key as a big-endian number modulo 5,000", () => {
    const key = new Uint8Array(64);
    key.set([0x01, 0x38, 0x89], 61); // 80,009
    expect(contactTopicOf(key)).to.equal("/sprf/1/ask-9/cbor");
    expect(contactTopicOf(new Uint8Array(64).fill(0xff))).to.equal(`/sprf/1/ask-${(2n ** 512n - 1n) % 5_000n}/cbor`);
    expect(() => contactTopicOf(new Uint8Array(65))).to.throw(SprfError);
    expect(gridTopicOf(key)).to.equal("/sprf/1/grid-9/cbor");
    expect(isContentTopic(gridTopicOf(key))).to.equal(true);
    expect(() => gridTopicOf(new Uint8Array(65))).to.throw(SprfError);
  });

  it("knows reply topics of its own making, and no others", () => {
    const topic = replyTopicOf(new Uint8Array(16).fill(0xab));
    expect(topic).to.equal(`/sprf/1/reply-${"ab".repeat(16)}/cbor`);
    expect(isReplyTopic(topic)).to.equal(true);
    for (const other of [`${topic}x`, `x${topic}`, topic.toUpperCase(), "/sprf/1/ask-9/cbor", topic.slice(0, -6), ""]) {
      expect(isReplyTopic(other), other).to.equal(false);
    }
  });

  it("tells content topics from other text", () => {
    for (const topic of ["/sprf/1/ask-9/cbor", "/waku/2.1/x/proto"])
      expect(isContentTopic(topic), topic).to.equal(true);
    for (const topic of ["", "/", "a/b/c/d", "/a/b/c", "/a/b/c/d/e", "/a/1/b c/d", "/a//b/c"]) {
      expect(isContentTopic(topic), topic).to.equal(false);
    }
  });
});
