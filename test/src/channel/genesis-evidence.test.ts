import { expect } from "chai";

import { genesisAgainst } from "../../../src/channel/genesis-evidence.ts";
import { NO_PROOF } from "../../../src/channel/hub-proof.ts";
import type { PlayedRecord } from "../../../src/channel/player.ts";
import { createSandbox } from "../../../src/channel/sandbox/sandbox.ts";
import { NO_MEMBERS } from "../../../src/domain/channel/membership.ts";
import type { Evidence, RecordOpening, SlotValue } from "../../../src/ports/channel-court.ts";
import { EMPTY_HASH, RECORD_KINDS, ZERO_HASH, type RecordHeader } from "../../../src/wire/channel/record.ts";
import { sandboxOptions } from "../../helpers/sandbox-options.ts";

const filled = new Uint8Array(32).fill(9);
const slots = [1, 2].map((number) => new Uint8Array(32).fill(number)) as [Uint8Array, Uint8Array];
const header: RecordHeader = {
  channel: 1n,
  term: 0,
  height: 0,
  kind: RECORD_KINDS.initialize,
  timeMs: 7,
  previous: ZERO_HASH,
  inputHash: EMPTY_HASH,
  touchedHash: EMPTY_HASH,
  writesHash: EMPTY_HASH,
  status: 1,
  gasUsed: 1,
  returnHash: EMPTY_HASH,
  stateRoot: ZERO_HASH,
  inboxCursor: 0,
};
const input = new Uint8Array(3);
const genesis: PlayedRecord = {
  header,
  hash: filled,
  body: { ...header, input },
  touched: [
    { slot: slots[0], before: ZERO_HASH, after: filled },
    { slot: slots[1], before: ZERO_HASH, after: ZERO_HASH },
  ],
  returnData: new Uint8Array(),
  logs: [],
  membership: NO_MEMBERS,
};
const record: RecordOpening = { header: { ...header, height: 1 }, proof: [], proposal: 3n };
async function against(lie: Partial<RecordHeader>, touched: readonly SlotValue[] = []): Promise<Evidence> {
  const empty = await createSandbox(sandboxOptions({ code: new Uint8Array() }));
  return genesisAgainst({ record, shown: { header: { ...header, ...lie }, touched }, genesis }, empty);
}

describe("channel/genesis-evidence", () => {
  it("should leave to the chain what it knows by itself", async () => {
    const lies: Partial<RecordHeader>[] = [
      { timeMs: 8 },
      { inputHash: filled },
      { term: 1 },
      { kind: RECORD_KINDS.tick },
      { previous: filled },
      { inboxCursor: 1 },
      { timeMs: 8, stateRoot: filled },
    ];
    for (const lie of lies) {
      const before = { ...header, ...lie };
      expect(await against(lie)).to.deep.equal({ fault: "falseGenesis", record, before, writes: [], proofs: [] });
    }
  });

  it("should show the writes of a root that they do not lead to", async () => {
    const evidence = await against({ stateRoot: filled });
    const writes = [{ slot: slots[0], value: filled }];
    const before = { ...header, stateRoot: filled };
    expect(evidence).to.deep.equal({ fault: "falseGenesis", record, before, writes, proofs: [{ proof: NO_PROOF }] });
  });

  it("should have any other result run again, on what was shown and on what it left out", async () => {
    for (const field of ["touchedHash", "writesHash", "returnHash"] as const) {
      const touched = [{ slot: slots[0], value: filled }];
      const evidence = await against({ [field]: filled }, touched);
      const besides = [{ slot: slots[1], value: ZERO_HASH, proof: NO_PROOF }];
      const before = { ...header, [field]: filled };
      expect(evidence).to.deep.equal({ fault: "falseGenesisResult", record, before, input, touched, besides });
    }
    for (const lie of [{ status: 0 }, { gasUsed: 2 }, { writesHash: filled, stateRoot: filled }]) {
      expect((await against(lie)).fault).to.equal("falseGenesisResult");
    }
  });
});
