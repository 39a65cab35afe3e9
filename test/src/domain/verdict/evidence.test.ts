import { Keypair } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { decodeEvidence, encodeEvidence, type Evidence } from "../../../../src/domain/verdict/evidence.ts";
import { SprfError } from "../../../../src/errors.ts";
import { MAX_BATCH_INPUTS } from "../../../../src/wire/batch-record.ts";
import { signRequest, type ExecutionRequest, type SignedRequest } from "../../../../src/wire/execution-request.ts";
import { keyOf, MODULE } from "../../../helpers/smart-accounts.ts";

const user = Keypair.random();
const request: ExecutionRequest = {
  version: 1,
  network: "test network",
  program: keyOf(99).publicKey(),
  input: { bytes: new Uint8Array([1]) },
  user: user.publicKey(),
  nonce: new Uint8Array(32),
  maxGas: 1n,
  validUntil: 1n,
};
const result = { status: "accepted" as const, outputCid: MODULE, newState: MODULE, gas: 1n };

const evidenceWith = (signed: SignedRequest, input?: number): Evidence => ({
  version: 1,
  kind: "evidence",
  agreement: new Uint8Array(20),
  epoch: 0,
  tester: new Uint8Array(20),
  program: request.program,
  request: signed,
  ownRuns: [],
  landed: {
    tipCid: MODULE,
    count: 1,
    index: 0,
    recordCid: MODULE,
    envelope: new Uint8Array(1),
    ...(input === undefined ? {} : { input }),
    own: { results: [result, result] },
  },
  workers: [{ workerId: 1, verdict: "ok", reason: "live" }],
});
const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof SprfError ? `${error.code}: ${error.message}` : "other";
  }
};

describe("domain/verdict/evidence", () => {
  const direct = signRequest(request, new Uint8Array(32), user);

  it("should say which input of a batch the tester's runs are of", () => {
    for (const input of [undefined, 0, MAX_BATCH_INPUTS - 1]) {
      const { landed } = decodeEvidence(encodeEvidence(evidenceWith(direct, input)));
      expect(landed?.input).to.equal(input);
    }
    const beyond = encodeEvidence(evidenceWith(direct, MAX_BATCH_INPUTS));
    expect(codeOf(() => decodeEvidence(beyond))).to.match(/^INVALID_INPUT: /);
  });

  it("should refuse a prepaid request as the one that workers' answers are judged by, and say why", () => {
    const prepaid = signRequest({ ...request, form: "prepaid" }, new Uint8Array(32), user);
    const refused = codeOf(() => decodeEvidence(encodeEvidence(evidenceWith(prepaid))));
    expect(refused)
      .to.match(/^INVALID_INPUT: /)
      .and.to.match(/expected a direct request/);
  });
});
