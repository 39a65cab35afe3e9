import { expect } from "chai";
import { array, assert, constantFrom, integer, property, stringMatching, uint8Array } from "fast-check";

import { isSprfError } from "../../../src/errors.ts";
import {
  MAX_ADDRESS_BYTES,
  announcedMultiaddrs,
  decodeAddressMessage,
  encodeAddressMessage,
  verifyAddressMessage,
  verifyAddressReply,
  verifyAddressRequest,
} from "../../../src/wire/address.ts";
import type { AddressMessage } from "../../../src/wire/address.ts";
import { encodeCanonical } from "../../../src/wire/canonical.ts";
import { ASKED_AT_MS, exampleAcknowledgement, exampleReply, exampleRequest } from "../../helpers/address-messages.ts";
import { messageKeysOf } from "../../helpers/message-keys.ts";

const client = messageKeysOf("client").publicKey;
const worker = messageKeysOf("worker").publicKey;
const stranger = messageKeysOf("stranger").publicKey;

/** The code that `work` throws, or undefined. */
function codeOfSync(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (isSprfError(error)) return error.code;
    throw error;
  }
}

const refused = (payload: Uint8Array): void => {
  expect(codeOfSync(() => decodeAddressMessage(payload))).to.equal("MESSAGE_INVALID");
};

describe("address messages", () => {
  it("announces no more addresses than a message takes, however many networks a host has", () => {
    const many = Array.from({ length: 100 }, (_, n) => `/ip4/10.213.${n}.1/tcp/4001`);
    const message = exampleReply({ multiaddrs: announcedMultiaddrs(["/ip4/1.2.3.4/udp/4001/quic-v1", ...many]) });
    const read = decodeAddressMessage(encodeAddressMessage(message));
    expect(read.kind === "address-reply" && read.multiaddrs[0]).to.equal(many[0]);
  });

  it("come back as they were", () => {
    for (const message of [exampleRequest(), exampleReply(), exampleAcknowledgement()]) {
      expect(decodeAddressMessage(encodeAddressMessage(message))).to.deep.equal(message);
    }
  });

  it("come back as they were, whatever a reply says", () => {
    assert(
      property(
        uint8Array({ minLength: 32, maxLength: 32 }),
        array(stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/[0-9]{1,5}$/), { maxLength: 16 }),
        constantFrom("http", "https"),
        integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
        (ledgerKey, multiaddrs, scheme, issuedAt) => {
          const reply = exampleReply({ ledgerKey, multiaddrs, apiUrl: `${scheme}://worker.example/api`, issuedAt });
          expect(decodeAddressMessage(encodeAddressMessage(reply))).to.deep.equal(reply);
        },
      ),
    );
  });

  it("fail with MESSAGE_INVALID alone for random bytes", () => {
    assert(property(uint8Array({ maxLength: 2_000 }), refused), { numRuns: 500 });
  });

  it("fail with MESSAGE_INVALID alone when a valid one is changed at one place", () => {
    const payload = encodeAddressMessage(exampleReply());
    assert(
      property(integer({ min: 0, max: payload.length - 1 }), integer({ min: 1, max: 255 }), (at, by) => {
        const changed = payload.slice();
        changed[at] = (changed[at] ?? 0) ^ by;
        const code = codeOfSync(() => decodeAddressMessage(changed));
        expect(code === undefined || code === "MESSAGE_INVALID").to.equal(true);
      }),
      { numRuns: 500 },
    );
  });

  it("are refused past their size before they are looked at", () => {
    refused(new Uint8Array(MAX_ADDRESS_BYTES + 1));
  });

  it("are refused with a field too many, too few, of another version, or not canonical", () => {
    refused(encodeCanonical({ ...exampleRequest(), extra: 1 }));
    const { replyKey: _left, ...incomplete } = exampleRequest();
    refused(encodeCanonical(incomplete));
    refused(encodeCanonical({ ...exampleRequest(), version: 2 }));
    refused(encodeCanonical({ ...exampleRequest(), kind: "address-question" }));
    refused(new Uint8Array([...encodeAddressMessage(exampleRequest()), 0]));
    // {"kind": ..} with an indefinite length
    refused(new Uint8Array([0xbf, 0x61, 0x61, 0x01, 0xff]));
  });

  const badReplies: Record<string, object> = {
    "a URL that is not http": { apiUrl: "ftp://worker.example/" },
    "a URL with a password": { apiUrl: "http://user:secret@worker.example/" },
    "a URL of a script": { apiUrl: "javascript:alert(1)" },
    "a URL too long": { apiUrl: `http://worker.example/${"a".repeat(256)}` },
    "17 multiaddrs": { multiaddrs: Array.from({ length: 17 }, () => "/ip4/127.0.0.1/tcp/1") },
    "a multiaddr of a unix socket": { multiaddrs: ["/unix/run/docker.sock"] },
    "a multiaddr that is none": { multiaddrs: ["127.0.0.1:80"] },
    "a short ledger key": { ledgerKey: new Uint8Array(31) },
    "a key that is no point of the curve": { from: new Uint8Array(64).fill(1) },
    "agreement zero": { agreement: new Uint8Array(20) },
    "a time before 1970": { issuedAt: -1 },
    "a time with fractions": { issuedAt: 1.5 },
  };
  for (const [name, changes] of Object.entries(badReplies)) {
    it(`are refused with ${name}`, () => {
      refused(encodeCanonical({ ...exampleReply(), ...changes }));
    });
  }

  it("are refused with a reply topic that belongs to somebody else", () => {
    refused(encodeCanonical({ ...exampleRequest(), replyTopic: "/sprf/1/ask-1/cbor" }));
  });

  it("cannot be written wrong", () => {
    expect(codeOfSync(() => encodeAddressMessage(exampleReply({ apiUrl: "nowhere" })))).to.equal("INVALID_INPUT");
  });
});

describe("verifying a request", () => {
  const verify = (message: AddressMessage, { signer = client, self = worker, nowMs = ASKED_AT_MS } = {}): unknown =>
    codeOfSync(() => verifyAddressRequest(encodeAddressMessage(message), signer, { nowMs, self }));

  it("accepts one that is for us, of its signer, and fresh", () => {
    expect(verify(exampleRequest())).to.equal(undefined);
  });
  it("refuses one for somebody else", () => {
    expect(verify(exampleRequest(), { self: stranger })).to.equal("MESSAGE_INVALID");
  });
  it("refuses one that another key signed", () => {
    expect(verify(exampleRequest(), { signer: stranger })).to.equal("MESSAGE_INVALID");
  });
  it("bears clocks that differ by 30 s, and no more", () => {
    const at = (nowMs: number): unknown => verify(exampleRequest(), { nowMs });
    expect([at(ASKED_AT_MS - 30_000), at(ASKED_AT_MS + 90_000)]).to.deep.equal([undefined, undefined]);
    expect(at(ASKED_AT_MS - 30_001)).to.equal("MESSAGE_INVALID");
    expect(at(ASKED_AT_MS + 90_001)).to.equal("MESSAGE_INVALID");
  });
  it("refuses a lifetime over a minute, of nothing, or backwards", () => {
    for (const lifetimeMs of [60_001, 0, -1]) {
      expect(verify(exampleRequest({ expiresAt: ASKED_AT_MS + lifetimeMs })), `${lifetimeMs}`).to.equal(
        "MESSAGE_INVALID",
      );
    }
  });
  it("refuses a message of another kind", () => {
    expect(verify(exampleAcknowledgement())).to.equal("MESSAGE_INVALID");
  });
});

describe("verifying a reply", () => {
  const request = exampleRequest();
  const verify = (changes: object = {}, signer = worker): unknown =>
    codeOfSync(() =>
      verifyAddressReply(encodeAddressMessage(exampleReply(changes)), signer, { nowMs: ASKED_AT_MS, request }),
    );

  it("accepts the worker's answer to this request", () => {
    expect(verify()).to.equal(undefined);
  });
  it("refuses an answer of somebody else, to another request, or under another agreement", () => {
    expect(verify({ from: stranger }, stranger)).to.equal("MESSAGE_INVALID");
    expect(verify({}, stranger)).to.equal("MESSAGE_INVALID");
    expect(verify({ inReplyTo: new Uint8Array(16) })).to.equal("MESSAGE_INVALID");
    expect(verify({ agreement: new Uint8Array(20).fill(4) })).to.equal("MESSAGE_INVALID");
    expect(verify({ to: stranger })).to.equal("MESSAGE_INVALID");
  });
  it("is no acknowledgement", () => {
    const payload = encodeAddressMessage(exampleAcknowledgement());
    const context = { nowMs: ASKED_AT_MS, self: worker };
    expect(verifyAddressMessage(payload, client, context).kind).to.equal("address-acknowledgement");
    const asReply = (): unknown => verifyAddressReply(payload, client, { nowMs: ASKED_AT_MS, request });
    expect(codeOfSync(asReply)).to.equal("MESSAGE_INVALID");
  });
});
