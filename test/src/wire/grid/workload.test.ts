import { expect } from "chai";
import fc from "fast-check";

import { isSprfError } from "../../../../src/errors.ts";
import { encodeCanonical } from "../../../../src/wire/canonical.ts";
import { MAX_TEXT_BYTES, MAX_WORKLOAD_BYTES } from "../../../../src/wire/grid/limits.ts";
import { decodeWorkload, encodeWorkload, type Workload } from "../../../../src/wire/grid/workload.ts";
import { workloadFromJson, workloadToJson } from "../../../../src/wire/grid/workload-json.ts";
import {
  GIB,
  MIB,
  emptyWorkload,
  exampleContainer,
  exampleWorkload,
  workloadArbitrary,
} from "../../../helpers/grid-workloads.ts";

function codeThrown(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (isSprfError(error)) return error.code;
    throw error;
  }
}

const withContainer = (changes: object): Workload => {
  const [first] = exampleWorkload().containers;
  return exampleWorkload({ containers: [exampleContainer({ ...first, ...changes })] });
};

describe("wire/grid/workload", () => {
  it("gives back what was encoded, and so does JSON", () => {
    fc.assert(
      fc.property(workloadArbitrary, (workload) => {
        expect(decodeWorkload(encodeWorkload(workload))).to.deep.equal(workload);
        expect(workloadFromJson(JSON.parse(JSON.stringify(workloadToJson(workload))))).to.deep.equal(workload);
      }),
    );
  });

  it("takes absent and undefined for the same", () => {
    const [container] = exampleWorkload().containers;
    const changed = exampleWorkload({ containers: [{ ...exampleContainer({ ...container }), entrypoint: undefined }] });
    expect(encodeWorkload(changed)).to.deep.equal(encodeWorkload(exampleWorkload()));
  });

  it("refuses hostile bytes with one code, and throws nothing else", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.jsonValue().map(encodeCanonical)), (bytes) => {
        expect(codeThrown(() => decodeWorkload(new Uint8Array(bytes)))).to.equal("DEPLOYMENT_INVALID");
      }),
      { numRuns: 300 },
    );
  });

  it("is refused or still a workload when a byte of it is changed", () => {
    const bytes = encodeWorkload(exampleWorkload());
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ by;
        expect(codeThrown(() => decodeWorkload(changed))).to.be.oneOf([undefined, "DEPLOYMENT_INVALID"]);
      }),
      { numRuns: 300 },
    );
  });

  it("is taken at its size limit, and not a byte beyond", () => {
    const of = (bytes: number): Workload =>
      withContainer({
        command: [...Array.from({ length: 8 }, () => 30_000), bytes].map((length) => "x".repeat(length)),
      });
    const others = encodeWorkload(of(1_000)).length - 1_000;
    const largest = encodeWorkload(of(MAX_WORKLOAD_BYTES - others));
    expect(largest).to.have.lengthOf(MAX_WORKLOAD_BYTES);
    expect(encodeWorkload(decodeWorkload(largest))).to.deep.equal(largest);
    expect(codeThrown(() => encodeWorkload(of(MAX_WORKLOAD_BYTES - others + 1)))).to.equal("DEPLOYMENT_INVALID");
    expect(codeThrown(() => decodeWorkload(new Uint8Array(MAX_WORKLOAD_BYTES + 1)))).to.equal("DEPLOYMENT_INVALID");
  });

  const refused: Readonly<Record<string, () => Workload>> = {
    "an image without a digest": () => withContainer({ image: "postgres:15" }),
    "a short digest": () => withContainer({ image: `postgres@sha256:${"a".repeat(63)}` }),
    "a name that is no DNS label": () => withContainer({ name: "DB" }),
    "half a surrogate pair": () => withContainer({ command: ["\ud800"] }),
    NUL: () => withContainer({ environment: { A: "\0" } }),
    "a variable without a name": () => withContainer({ environment: { "": "x" } }),
    "a variable that objects cannot keep": () =>
      withContainer({ environment: JSON.parse('{"__proto__": "x"}') as Record<string, string> }),
    "a mount of a volume that is not there": () =>
      withContainer({ mounts: [{ volume: "other", path: "/x", readOnly: true }] }),
    "a volume that nobody mounts": () => withContainer({ mounts: [] }),
    "a path that climbs": () => withContainer({ mounts: [{ volume: "data", path: "/a/../b", readOnly: false }] }),
    "a path that is not absolute": () => withContainer({ mounts: [{ volume: "data", path: "a", readOnly: false }] }),
    "a mount within a mount": () =>
      withContainer({
        mounts: [
          { volume: "data", path: "/a", readOnly: false },
          { volume: "data", path: "/a/b", readOnly: false },
        ],
      }),
    "a port twice": () =>
      withContainer({
        ports: [
          { containerPort: 1, hostPort: 80, protocol: "tcp", address: "loopback" },
          { containerPort: 2, hostPort: 80, protocol: "tcp", address: "loopback" },
        ],
      }),
    "port 0": () => withContainer({ ports: [{ containerPort: 0, hostPort: 80, protocol: "tcp", address: "node" }] }),
    "a public IP that is not reserved": () =>
      withContainer({ ports: [{ containerPort: 1, hostPort: 80, protocol: "tcp", address: 0 }] }),
    "a secret for a variable that has a value": () =>
      withContainer({ secrets: [{ secret: "db_password", variable: "PGDATA" }] }),
    "secrets without their hash": () => exampleWorkload({ secretsHash: undefined }),
    "a hash without secrets": () => withContainer({ secrets: [] }),
    "more processor than its limit": () => withContainer({ cpuMillicores: 1_001 }),
    "more memory than its limit": () => withContainer({ memoryBytes: 512n * MIB + 1n }),
    "less memory than Docker takes": () => withContainer({ memoryBytes: 6n * MIB - 1n }),
    "less processor than Docker takes": () => withContainer({ cpuMillicores: 9 }),
    "text that is too long": () => withContainer({ command: ["é".repeat(MAX_TEXT_BYTES / 2 + 1)] }),
    "more than any disk": () =>
      exampleWorkload({
        volumes: [{ name: "data", sizeBytes: 2n ** 50n + 1n, disk: "ssd" }],
        limits: { ...exampleWorkload().limits, sruBytes: 2n ** 51n },
      }),
    "more disk than its limit": () =>
      exampleWorkload({ volumes: [{ name: "data", sizeBytes: 10n * GIB + 1n, disk: "ssd" }] }),
    "disk of another kind than its limit": () =>
      exampleWorkload({ volumes: [{ name: "data", sizeBytes: 1n, disk: "hdd" }] }),
    "two containers of one name": () =>
      exampleWorkload({ containers: [...exampleWorkload().containers, exampleContainer()] }),
    "17 public IPs": () => emptyWorkload({ publicIps: 17 }),
    "nothing at all": () => emptyWorkload({ publicIps: 0 }),
    "a short salt": () => emptyWorkload({ salt: new Uint8Array(15) }),
    "an amount beyond 64 bits": () =>
      emptyWorkload({ limits: { ...emptyWorkload().limits, nruBytesPerHour: 2n ** 64n } }),
    "a field too many": () => ({ ...emptyWorkload(), extra: 1 }) as Workload,
    "another version": () => ({ ...emptyWorkload(), version: 2 }) as unknown as Workload,
  };
  for (const [name, make] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      expect(codeThrown(() => encodeWorkload(make()))).to.equal("DEPLOYMENT_INVALID");
    });
  }
});
