import { expect } from "chai";
import { Wallet, getAddress, hexlify } from "ethers";
import fc from "fast-check";

import { SprfError } from "../../../src/errors.ts";
import { fromHex } from "../../../src/utils/bytes.ts";
import { encodeCanonical } from "../../../src/wire/canonical.ts";
import { signerOfCommit } from "../../../src/wire/signed-commit.ts";
import {
  MAX_TESTER_LIFETIME_MS,
  MAX_TESTER_MESSAGE_BYTES,
  decodeTesterMessage,
  encodeTesterMessage,
  testersTopicOf,
  verifyTesterMessage,
  type TesterMessage,
} from "../../../src/wire/tester-messages.ts";
import { isContentTopic } from "../../../src/wire/topics.ts";
import { messageKeysOf } from "../../helpers/message-keys.ts";

const NOW = 1_700_000_000_000;
const [alice, bob] = [messageKeysOf("alice").publicKey, messageKeysOf("bob").publicKey];
const AGREEMENT = new Uint8Array(20).fill(7);
const CID = "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

const bytes = (length: number): fc.Arbitrary<Uint8Array<ArrayBuffer>> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((value) => new Uint8Array(value));
const header = {
  version: fc.constant(1 as const),
  id: bytes(16),
  to: fc.constant(new Uint8Array(bob)),
  from: fc.constant(new Uint8Array(alice)),
  agreement: fc.constant(AGREEMENT),
  epoch: fc.integer({ min: 0, max: 511 }),
  issuedAt: fc.constant(NOW),
  expiresAt: fc.constant(NOW + MAX_TESTER_LIFETIME_MS),
};
const messages: fc.Arbitrary<TesterMessage> = fc.oneof(
  fc.record({
    kind: fc.constant("tester-commit" as const),
    ...header,
    seat: fc.integer({ min: 0, max: 6 }),
    commitment: bytes(32),
    signature: bytes(65),
  }),
  fc.record({
    kind: fc.constant("tester-report" as const),
    ...header,
    seat: fc.integer({ min: 0, max: 6 }),
    verdicts: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    evidenceCid: fc.string({ maxLength: 128 }),
    salt: bytes(32),
  }),
  fc.record({ kind: fc.constant("evidence-request" as const), ...header, evidenceCid: fc.constant(CID) }),
  fc.record({
    kind: fc.constant("evidence" as const),
    ...header,
    inReplyTo: bytes(16),
    block: fc.uint8Array({ maxLength: 2_000 }).map((value) => new Uint8Array(value)),
  }),
);
const context = { nowMs: NOW, self: bob, agreement: AGREEMENT };

describe("wire/tester-messages", () => {
  it("should give back what was encoded", () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(decodeTesterMessage(encodeTesterMessage(message))).to.deep.equal(message);
        expect(verifyTesterMessage(encodeTesterMessage(message), alice, context)).to.deep.equal(message);
      }),
    );
  });

  it("should refuse anything else with one code, and never throw another error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.anything().map(encoded)), (payload) => {
        try {
          decodeTesterMessage(payload);
        } catch (error) {
          expect(error).to.be.instanceOf(SprfError);
          expect((error as SprfError).code).to.equal("MESSAGE_INVALID");
        }
      }),
    );
    expect(codeThrown(() => decodeTesterMessage(new Uint8Array(MAX_TESTER_MESSAGE_BYTES + 1)))).to.equal(
      "MESSAGE_INVALID",
    );
  });

  it("should refuse a changed byte or field", () => {
    const [message] = fc.sample(messages, { numRuns: 1, seed: 4 }) as [TesterMessage];
    const refused = (changed: object): void => {
      const payload = encodeCanonical({ ...message, ...changed });
      expect(codeThrown(() => verifyTesterMessage(payload, alice, context))).to.equal("MESSAGE_INVALID");
    };
    refused({ extra: 1 });
    refused({ version: 2 });
    refused({ epoch: 512 });
    refused({ to: alice });
    refused({ from: bob });
    refused({ agreement: new Uint8Array(20).fill(8) });
    refused({ issuedAt: NOW + 60_000, expiresAt: NOW + 90_000 });
    refused({ issuedAt: NOW - 120_000, expiresAt: NOW - 60_000 });
    refused({ expiresAt: NOW });
    refused({ expiresAt: NOW + MAX_TESTER_LIFETIME_MS + 1 });
    expect(codeThrown(() => verifyTesterMessage(encodeTesterMessage(message), bob, context))).to.equal(
      "MESSAGE_INVALID",
    );
  });

  it("should name a topic for each agreement that Waku takes", () => {
    expect(isContentTopic(testersTopicOf(AGREEMENT))).to.equal(true);
    expect(testersTopicOf(AGREEMENT)).not.to.equal(testersTopicOf(new Uint8Array(20)));
    expect(codeThrown(() => testersTopicOf(new Uint8Array(19)))).to.equal("INVALID_INPUT");
  });

  it("should recover who signed a commitment, for this chain, agreement and epoch alone", async () => {
    const wallet = Wallet.createRandom();
    const agreement = getAddress(hexlify(AGREEMENT));
    const commitment = new Uint8Array(32).fill(5);
    const domain = { name: "SPRF WorkAgreement", version: "1", chainId: 31_337n, verifyingContract: agreement };
    const types = {
      Commit: [
        { name: "epoch", type: "uint256" },
        { name: "commitment", type: "bytes32" },
      ],
    };
    const signature = fromHex(await wallet.signTypedData(domain, types, { epoch: 3, commitment: hexlify(commitment) }));
    const place = { chainId: 31_337n, agreement, epoch: 3 };
    expect(signerOfCommit({ commitment, signature }, place)).to.equal(wallet.address);
    for (const other of [{ chainId: 1n }, { epoch: 4 }, { agreement: Wallet.createRandom().address }]) {
      expect(signerOfCommit({ commitment, signature }, { ...place, ...other })).not.to.equal(wallet.address);
    }
    expect(signerOfCommit({ commitment, signature: new Uint8Array(65) }, place)).to.equal(undefined);
  });
});

function encoded(value: unknown): Uint8Array {
  try {
    return encodeCanonical(value);
  } catch {
    return new Uint8Array(0);
  }
}

function codeThrown(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as SprfError).code;
  }
}
