import { expect } from "chai";
import fc from "fast-check";

import { readWorkloadFile } from "../../../../../src/wire/grid/file/read-workload-file.ts";
import { writeWorkloadFile } from "../../../../../src/wire/grid/file/write-workload-file.ts";
import { exampleWorkload, workloadArbitrary } from "../../../../helpers/grid-workloads.ts";

/** A file has 15 digits at most for a size that is no multiple of a larger unit. */
const MAX_TRAFFIC = 10n ** 15n;

describe("wire/grid/file/write-workload-file", () => {
  it("writes what is read back as the same", () => {
    fc.assert(
      fc.property(workloadArbitrary, ({ salt: _salt, secretsHash: _hash, ...workload }) => {
        const { limits } = workload;
        const draft = { ...workload, limits: { ...limits, nruBytesPerHour: limits.nruBytesPerHour % MAX_TRAFFIC } };
        const uses = draft.containers.some(({ secrets }) => secrets.length > 0);
        const secretFiles = new Map(uses ? [["key", "key.secret"]] : []);
        const read = readWorkloadFile(writeWorkloadFile({ name: "shop", workload: draft }, { secretFiles }));
        expect(read.kind === "problems" ? read.problems : []).to.deep.equal([]);
        if (read.kind !== "file") return;
        expect(read.file.draft).to.deep.equal(draft);
        expect(read.file.secrets.map(({ from }) => from)).to.deep.equal([...secretFiles.values()]);
      }),
    );
  });

  it("writes the largest traffic that there is", () => {
    const { limits, ...rest } = exampleWorkload();
    const nruBytesPerHour = 2n ** 60n;
    const text = writeWorkloadFile(
      { workload: { ...rest, limits: { ...limits, nruBytesPerHour } } },
      {
        secretFiles: new Map([["db_password", "x"]]),
      },
    );
    const read = readWorkloadFile(text);
    expect(read.kind === "file" && read.file.draft.limits.nruBytesPerHour).to.equal(nruBytesPerHour);
  });
});
