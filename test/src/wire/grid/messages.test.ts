import { expect } from "chai";
import fc from "fast-check";

import { sealEnvelope, shardOf } from "../../../../src/adapters/messenger/envelope.ts";
import { isSprfError } from "../../../../src/errors.ts";
import { encodeCanonical } from "../../../../src/wire/canonical.ts";
import { MAX_INLINE_BODY_BYTES } from "../../../../src/wire/grid/deployment-body.ts";
import {
  MAX_GRID_MESSAGE_BYTES,
  MAX_LOG_CHUNK_BYTES,
  MAX_LOG_ENTRIES,
  decodeGridMessage,
  encodeGridMessage,
  type GridMessage,
} from "../../../../src/wire/grid/messages.ts";
import { GRID_REFUSAL_CODES } from "../../../../src/wire/grid/refusals.ts";
import {
  MAX_GRID_LIFETIME_MS,
  MAX_GRID_SKEW_MS,
  isGridRequest,
  verifyGridMessage,
  verifyGridReply,
} from "../../../../src/wire/grid/verify-message.ts";
import { MAX_MESSAGE_BYTES, gridTopicOf } from "../../../../src/wire/topics.ts";
import {
  GRID_ADDRESS,
  GRID_CHAIN_ID,
  GRID_NOW_MS,
  exampleGridRequest,
  nodeMessages,
  userMessages,
} from "../../../helpers/grid-messages.ts";
import { messageKeysOf } from "../../../helpers/message-keys.ts";

const user = messageKeysOf("user").publicKey;
const node = messageKeysOf("node").publicKey;
const context = { nowMs: GRID_NOW_MS, self: node, chainId: GRID_CHAIN_ID, grid: GRID_ADDRESS };

function codeThrown(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (isSprfError(error)) return error.code;
    throw error;
  }
}

describe("wire/grid/messages", () => {
  it("give back what was encoded, to whom they are for", () => {
    fc.assert(
      fc.property(userMessages, (message) => {
        expect(verifyGridMessage(encodeGridMessage(message), user, context)).to.deep.equal(message);
        expect(isGridRequest(message)).to.equal(
          ["deploy", "update", "delete", "status", "logs"].includes(message.kind),
        );
      }),
    );
    fc.assert(
      fc.property(nodeMessages, (message) => {
        const read = verifyGridReply(encodeGridMessage(message), node, {
          nowMs: GRID_NOW_MS,
          request: exampleGridRequest(),
        });
        expect(read).to.deep.equal(message);
      }),
    );
  });

  it("are refused with one code when they are anything else", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.jsonValue().map(encodeCanonical)), (payload) => {
        expect(codeThrown(() => decodeGridMessage(new Uint8Array(payload)))).to.equal("MESSAGE_INVALID");
      }),
    );
    expect(codeThrown(() => decodeGridMessage(new Uint8Array(MAX_GRID_MESSAGE_BYTES + 1)))).to.equal("MESSAGE_INVALID");
  });

  it("are refused, or another message, when a byte is changed", () => {
    fc.assert(
      fc.property(
        fc.oneof(userMessages, nodeMessages),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (message, at, by) => {
          const payload = encodeGridMessage(message).slice();
          payload[at % payload.length] = (payload[at % payload.length] ?? 0) ^ by;
          expect(codeThrown(() => decodeGridMessage(payload))).to.be.oneOf([undefined, "MESSAGE_INVALID"]);
        },
      ),
      { numRuns: 300 },
    );
  });

  const changes: Readonly<Record<string, object>> = {
    "a field too many": { extra: 1 },
    "another version": { version: 2 },
    "somebody else as reader": { to: user },
    "somebody else as writer": { from: node },
    "another chain": { chainId: 1n },
    "another grid": { grid: new Uint8Array(20) },
    "no contract": { contractId: 0n },
    "no lifetime": { expiresAt: GRID_NOW_MS },
    "too long a lifetime": { expiresAt: GRID_NOW_MS + MAX_GRID_LIFETIME_MS + 1 },
    "a time to come": { issuedAt: GRID_NOW_MS + 30_001, expiresAt: GRID_NOW_MS + 60_000 },
    "a time that is over": { issuedAt: GRID_NOW_MS - 60_000, expiresAt: GRID_NOW_MS - 30_001 },
    "a reply topic that is somebody's": { replyTopic: "/sprf/1/ask-9/cbor" },
    "a reply key that is none": { replyKey: new Uint8Array(64).fill(1) },
  };
  for (const [name, change] of Object.entries(changes)) {
    it(`are refused with ${name}`, () => {
      const payload = encodeCanonical({ ...exampleGridRequest(), ...change });
      expect(codeThrown(() => verifyGridMessage(payload, user, context))).to.equal("MESSAGE_INVALID");
    });
  }

  it("bear clocks that differ by 30 s", () => {
    const payload = encodeGridMessage(exampleGridRequest());
    for (const nowMs of [GRID_NOW_MS - MAX_GRID_SKEW_MS, GRID_NOW_MS + MAX_GRID_LIFETIME_MS + MAX_GRID_SKEW_MS]) {
      expect(verifyGridMessage(payload, user, { ...context, nowMs }).kind).to.equal("status");
    }
  });

  it("are no reply from another node, to another request, about another contract", () => {
    const request = exampleGridRequest();
    const [done] = fc.sample(nodeMessages, { numRuns: 1, seed: 1 }) as [GridMessage];
    const read = (change: object, signer = node): unknown =>
      codeThrown(() =>
        verifyGridReply(encodeCanonical({ ...done, ...change }), signer, { nowMs: GRID_NOW_MS, request }),
      );
    expect(read({})).to.equal(undefined);
    expect(read({ from: messageKeysOf("other").publicKey }, messageKeysOf("other").publicKey)).to.equal(
      "MESSAGE_INVALID",
    );
    expect(read({ inReplyTo: new Uint8Array(16) })).to.equal("MESSAGE_INVALID");
    expect(read({ contractId: 6n })).to.equal("MESSAGE_INVALID");
    const asked = encodeGridMessage(exampleGridRequest({ from: new Uint8Array(node), to: new Uint8Array(user) }));
    expect(codeThrown(() => verifyGridReply(asked, node, { nowMs: GRID_NOW_MS, request }))).to.equal("MESSAGE_INVALID");
  });

  it("keep their limits", () => {
    const chunk = (entries: readonly number[]): object => ({
      ...exampleGridRequest(),
      kind: "log-chunk",
      replyTopic: undefined,
      replyKey: undefined,
      inReplyTo: new Uint8Array(16),
      sequence: 0,
      entries: entries.map((length) => ({ stream: "stdout", atMs: 0, bytes: new Uint8Array(length) })),
      last: false,
    });
    const code = (message: object): unknown => codeThrown(() => encodeGridMessage(message as never));
    const half = MAX_LOG_CHUNK_BYTES / 2;
    const withoutReply = (message: object): object =>
      Object.fromEntries(Object.entries(message).filter(([, value]) => value !== undefined));
    expect(code(withoutReply(chunk([half, half])))).to.equal(undefined);
    const small = MAX_LOG_CHUNK_BYTES / MAX_LOG_ENTRIES;
    expect(code(withoutReply(chunk(Array.from({ length: MAX_LOG_ENTRIES }, () => small))))).to.equal(undefined);
    expect(code(withoutReply(chunk([half, half + 1])))).to.equal("INVALID_INPUT");
    expect(code(withoutReply(chunk(Array.from({ length: MAX_LOG_ENTRIES + 1 }, () => 1))))).to.equal("INVALID_INPUT");
    const deploy = (length: number): object => ({
      ...exampleGridRequest(),
      kind: "deploy",
      deployment: { kind: "inline", body: new Uint8Array(length) },
    });
    expect(code(deploy(MAX_INLINE_BODY_BYTES))).to.equal(undefined);
    expect(encodeGridMessage(deploy(MAX_INLINE_BODY_BYTES) as never).length).to.be.at.most(MAX_GRID_MESSAGE_BYTES);
    expect(code(deploy(MAX_INLINE_BODY_BYTES + 1))).to.equal("INVALID_INPUT");
  });

  it("fit what the network relays, at their largest, sealed", async () => {
    const payload = new Uint8Array(MAX_GRID_MESSAGE_BYTES);
    const { privateKey, publicKey } = messageKeysOf("user");
    const message = { topic: gridTopicOf(node), recipient: publicKey, payload };
    const sealed = await sealEnvelope(message, { shard: shardOf(42, 0), signingKey: privateKey, nowMs: GRID_NOW_MS });
    expect(sealed.length).to.be.at.most(MAX_MESSAGE_BYTES);
  });

  it("know refusals from a closed list", () => {
    expect(new Set(GRID_REFUSAL_CODES)).to.have.lengthOf(GRID_REFUSAL_CODES.length);
    const refused = {
      ...exampleGridRequest(),
      kind: "refused",
      inReplyTo: new Uint8Array(16),
      code: "because",
      detail: "",
    };
    expect(codeThrown(() => decodeGridMessage(encodeCanonical(refused)))).to.equal("MESSAGE_INVALID");
  });
});
