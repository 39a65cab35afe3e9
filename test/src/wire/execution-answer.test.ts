import { SigningKey, hexlify } from "ethers";
import { expect } from "chai";
import fc from "fast-check";

import { fromHex } from "../../../src/utils/bytes.ts";
import { decodeCanonical, encodeCanonical } from "../../../src/wire/canonical.ts";
import {
  hashAnswer,
  isAnswerOf,
  signAnswer,
  signedAnswerSchema,
  verifyAnswer,
  type ExecutionAnswer,
} from "../../../src/wire/execution-answer.ts";
import { bytesArbitrary, keypairArbitrary } from "../../helpers/arbitraries.ts";
import { answerArbitrary } from "../../helpers/execution-arbitraries.ts";

const privateKey = bytesArbitrary(32).map((bytes) => new Uint8Array([1, ...bytes.slice(1)]));
const messageKeyOf = (key: Uint8Array): Uint8Array => fromHex(new SigningKey(hexlify(key)).publicKey).slice(1);

const changes: readonly ((answer: ExecutionAnswer, other: ExecutionAnswer) => ExecutionAnswer)[] = [
  (answer, other) => ({ ...answer, requestHash: other.requestHash }),
  (answer) => ({ ...answer, sequence: answer.sequence ^ 1n }),
  (answer, other) => ({ ...answer, previousState: other.previousState }),
  (answer) => ({ ...answer, status: answer.status === "accepted" ? "rejected" : "accepted" }),
  (answer, other) => ({ ...answer, outputCid: other.outputCid }),
  (answer, other) => ({ ...answer, newState: other.newState }),
  (answer) => ({ ...answer, gas: answer.gas ^ 1n }),
  ({ recordCid, ...answer }, other) => (recordCid === undefined ? { ...answer, recordCid: other.newState } : answer),
];

describe("execution answer", () => {
  it("is verified under both keys after it was signed, encoded, decoded and parsed", () => {
    fc.assert(
      fc.property(answerArbitrary, keypairArbitrary, privateKey, (answer, ledgerKey, messagePrivateKey) => {
        const signed = signAnswer(answer, { ledgerKey, messagePrivateKey }, undefined);
        const arrived = signedAnswerSchema.parse(decodeCanonical(encodeCanonical(signed)));
        expect(arrived).to.deep.equal(signed);
        verifyAnswer(arrived);
        expect(isAnswerOf(arrived, messageKeyOf(messagePrivateKey))).to.equal(true);
      }),
      { numRuns: 30 },
    );
  });

  it("is refused under both keys when any field was changed", () => {
    const [answer, other] = fc.sample(answerArbitrary, { numRuns: 2, seed: 7 });
    const [ledgerKey] = fc.sample(keypairArbitrary, 1);
    const [messagePrivateKey] = fc.sample(privateKey, 1);
    const signed = signAnswer(answer!, { ledgerKey: ledgerKey!, messagePrivateKey: messagePrivateKey! }, undefined);
    for (const change of changes) {
      const forged = { ...signed, answer: change(answer!, other!) };
      expect(() => verifyAnswer(forged), change.toString())
        .to.throw()
        .with.property("code", "ANSWER_INVALID");
      expect(isAnswerOf(forged, messageKeyOf(messagePrivateKey!)), change.toString()).to.equal(false);
    }
  });

  it("is not another worker's", () => {
    fc.assert(
      fc.property(answerArbitrary, keypairArbitrary, keypairArbitrary, privateKey, privateKey, (answer, a, b, x, y) => {
        fc.pre(a.publicKey() !== b.publicKey() && !x.every((byte, i) => byte === y[i]));
        const signed = signAnswer(answer, { ledgerKey: a, messagePrivateKey: x }, undefined);
        expect(() => verifyAnswer({ ...signed, worker: b.publicKey() }))
          .to.throw()
          .with.property("code", "ANSWER_INVALID");
        expect(isAnswerOf(signed, messageKeyOf(y))).to.equal(false);
      }),
      { numRuns: 30 },
    );
  });

  it("has different hashes for fields that would be joined to the same bytes", () => {
    const [answer] = fc.sample(answerArbitrary, 1);
    const cut: ExecutionAnswer = { ...answer!, outputCid: "ab", newState: "c" };
    const elsewhere: ExecutionAnswer = { ...answer!, outputCid: "a", newState: "bc" };
    expect(hashAnswer(cut)).not.to.deep.equal(hashAnswer(elsewhere));
  });

  it("carries the signature on the transition's transaction, when there is one", () => {
    const [answer] = fc.sample(answerArbitrary, 1);
    const [ledgerKey] = fc.sample(keypairArbitrary, 1);
    const hash = new Uint8Array(32).fill(7);
    const signer = { ledgerKey: ledgerKey!, messagePrivateKey: new Uint8Array(32).fill(9) };
    const { transactionSignature } = signAnswer(answer!, signer, hash);
    expect(ledgerKey!.verify(hash, transactionSignature!)).to.equal(true);
    expect(signAnswer(answer!, signer, undefined)).not.to.have.property("transactionSignature");
  });

  it("does not take nonsense for a signature", () => {
    const [answer] = fc.sample(answerArbitrary, 1);
    const [ledgerKey] = fc.sample(keypairArbitrary, 1);
    const signer = { ledgerKey: ledgerKey!, messagePrivateKey: new Uint8Array(32).fill(9) };
    const signed = signAnswer(answer!, signer, undefined);
    fc.assert(
      fc.property(bytesArbitrary(65), (messageSignature) => {
        expect(isAnswerOf({ ...signed, messageSignature }, messageKeyOf(signer.messagePrivateKey))).to.equal(false);
      }),
      { numRuns: 30 },
    );
  });
});
