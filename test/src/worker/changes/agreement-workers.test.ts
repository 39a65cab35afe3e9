import { expect } from "chai";

import type { Agreement, AgreementStatus, Chain } from "../../../../src/ports/chain.ts";
import { agreementWorkers } from "../../../../src/worker/changes/agreement-workers.ts";
import { keyOf } from "../../../helpers/smart-accounts.ts";

const ADDRESS = `0x${"ab".repeat(20)}`;
const PROGRAM = keyOf(50);
const WORKERS = [keyOf(1), keyOf(2)];

/** A chain that knows one agreement, of two workers. */
function chainWith(status: AgreementStatus, program: Uint8Array | undefined = rawOf(PROGRAM)): Chain {
  const chain: Pick<Chain, "agreement" | "agreementState" | "twin"> = {
    agreement: async (address) =>
      address === ADDRESS ? ({ address, workerTwinIds: [1, 2] } as unknown as Agreement) : undefined,
    agreementState: async () => ({ status, settledEpochs: 0, ...(program === undefined ? {} : { program }) }),
    twin: async (id) => ({
      id,
      account: ADDRESS,
      messageKey: new Uint8Array(64),
      ledgerKey: rawOf(WORKERS[id - 1] ?? PROGRAM),
    }),
  };
  return chain as Chain;
}

function rawOf(key: typeof PROGRAM): Uint8Array {
  return new Uint8Array(key.rawPublicKey());
}

describe("worker/changes/agreement-workers", () => {
  const find = async (chain: Chain, agreement = ADDRESS): Promise<readonly string[] | undefined> => {
    const found = await agreementWorkers(chain, { agreement, program: PROGRAM.publicKey() });
    return found === undefined ? undefined : [...found];
  };

  it("should be the ledger keys of the workers of an agreement that runs, or will, for the program", async () => {
    const keys = WORKERS.map((key) => key.publicKey());
    expect(await find(chainWith("running"))).to.deep.equal(keys);
    expect(await find(chainWith("scheduled"))).to.deep.equal(keys);
  });

  it("should be nobody of an agreement that is over, unknown, of another program, or of none", async () => {
    for (const status of ["reporting", "due", "finalized"] as const) {
      expect(await find(chainWith(status)), status).to.equal(undefined);
    }
    expect(await find(chainWith("running"), `0x${"cd".repeat(20)}`)).to.equal(undefined);
    expect(await find(chainWith("running", rawOf(keyOf(51))))).to.equal(undefined);
    const unbound: Chain = {
      ...chainWith("running"),
      agreementState: async () => ({ status: "running", settledEpochs: 0 }),
    };
    expect(await find(unbound)).to.equal(undefined);
  });
});
