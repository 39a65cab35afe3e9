import { expect } from "chai";
import fc from "fast-check";

import {
  batchProposalFromJson,
  batchProposalJsonSchema,
  batchProposalToJson,
  batchVerdictFromJson,
  batchVerdictToJson,
  signBatchProposal,
  verifyBatchProposal,
} from "../../../src/wire/batch-proposal.ts";
import { isSprfError } from "../../../src/errors.ts";
import { keyOf } from "../../helpers/smart-accounts.ts";

describe("wire/batch-proposal", () => {
  const [proposer, stranger] = [keyOf(1), keyOf(2)];
  const isForged = (proposal: Parameters<typeof verifyBatchProposal>[0]): boolean => {
    try {
      verifyBatchProposal(proposal);
      return false;
    } catch (error) {
      return isSprfError(error, "REQUEST_SIGNATURE_INVALID");
    }
  };

  it("should carry a proposal through JSON, still signed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (block) => {
        const proposal = signBatchProposal(block, proposer);
        const json: unknown = JSON.parse(JSON.stringify(batchProposalToJson(proposal)));
        const read = batchProposalFromJson(batchProposalJsonSchema.parse(json));
        expect(read).to.deep.equal(proposal);
        verifyBatchProposal(read);
      }),
      { numRuns: 20 },
    );
  });

  it("should refuse another record and another proposer", () => {
    const proposal = signBatchProposal(new Uint8Array([1, 2, 3]), proposer);
    expect(isForged(proposal)).to.equal(false);
    expect(isForged({ ...proposal, recordBlock: new Uint8Array([1, 2, 4]) })).to.equal(true);
    expect(isForged({ ...proposal, proposer: stranger.publicKey() })).to.equal(true);
  });

  it("should carry verdicts through JSON and refuse what is none", () => {
    const signed = { kind: "signed", worker: proposer.publicKey(), signature: new Uint8Array(64).fill(7) } as const;
    const failed = { kind: "failed", requests: ["ab".repeat(32)] } as const;
    for (const verdict of [signed, failed]) {
      expect(batchVerdictFromJson(JSON.parse(JSON.stringify(batchVerdictToJson(verdict))))).to.deep.equal(verdict);
    }
    for (const nonsense of [{}, { kind: "failed", requests: [] }, { kind: "signed", worker: "G", signature: "AA==" }]) {
      expect(() => batchVerdictFromJson(nonsense)).to.throw();
    }
  });
});
