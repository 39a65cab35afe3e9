import { expect } from "chai";

import { workloadSpecOf } from "../../../src/node/workload-spec.ts";
import { exampleContainer, exampleWorkload } from "../../helpers/grid-workloads.ts";

describe("node/workload-spec", () => {
  const parts = {
    contractId: 7,
    deploymentHash: new Uint8Array(32).fill(0xab),
    ports: [
      { address: "127.0.0.1", port: 15_432, protocol: "tcp" as const, container: "db", containerPort: 5_432 },
      { address: "127.0.0.1", port: 80, protocol: "tcp" as const, container: "web", containerPort: 80 },
    ],
    secrets: new Map([
      ["db_password", "correct horse"],
      ["other", "not its own"],
    ]),
  };

  it("should give a container its own ports, secrets and volumes, with the sizes that were bought", () => {
    const spec = workloadSpecOf(exampleWorkload(), parts);
    expect(spec).to.include({ contractId: "7", deploymentHash: "ab".repeat(32) });
    const [db] = spec.containers;
    expect(db?.environment).to.deep.equal({
      LANG: "C.UTF-8",
      PGDATA: "/var/lib/postgresql/data",
      POSTGRES_PASSWORD: "correct horse",
    });
    expect(db?.ports).to.deep.equal([
      { containerPort: 5_432, hostAddress: "127.0.0.1", hostPort: 15_432, protocol: "tcp" },
    ]);
    expect(db?.volumes).to.deep.equal([
      { name: "data", path: "/var/lib/postgresql/data", readOnly: false, sizeBytes: 10 * 1024 ** 3 },
    ]);
  });

  it("should allow as many more failed checks as the start may take", () => {
    const [db] = workloadSpecOf(exampleWorkload(), parts).containers;
    expect(db?.healthCheck).to.include({ intervalMs: 5_000, timeoutMs: 2_000, retries: 5 });
  });

  it("should let a container only read what it is to only read", () => {
    const mounts = [{ volume: "data", path: "/data", readOnly: true }];
    const [container] = workloadSpecOf(
      exampleWorkload({ containers: [exampleContainer({ mounts })] }),
      parts,
    ).containers;
    expect(container?.volumes.map(({ readOnly }) => readOnly)).to.deep.equal([true]);
  });
});
