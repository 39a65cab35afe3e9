import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { expect } from "chai";
import fc from "fast-check";
import { z } from "zod";

import { toHex } from "../../../../src/utils/bytes.ts";
import { encodeCanonical } from "../../../../src/wire/canonical.ts";
import {
  decodeWorkload,
  encodeWorkload,
  hashDeployment,
  hashEncodedDeployment,
  type Workload,
} from "../../../../src/wire/grid/workload.ts";
import { workloadFromJson } from "../../../../src/wire/grid/workload-json.ts";
import { exampleContainer, exampleWorkload, workloadArbitrary } from "../../../helpers/grid-workloads.ts";

const VECTORS = new URL("../../../vectors/grid-hash/vectors.json", import.meta.url);
const { domain, vectors } = z
  .strictObject({
    domain: z.string(),
    vectors: z.array(
      z.strictObject({ name: z.string(), workload: z.unknown(), encoded: z.string(), hash: z.string() }),
    ),
  })
  .parse(JSON.parse(readFileSync(VECTORS, "utf8")));

describe("the deployment hash", () => {
  it("has at least 20 vectors, no two of one hash", () => {
    expect(vectors.length).to.be.at.least(20);
    expect(new Set(vectors.map(({ hash }) => hash))).to.have.lengthOf(vectors.length);
  });

  for (const { name, workload: json, encoded, hash } of vectors) {
    it(`is that of the vector: ${name}`, () => {
      const workload = workloadFromJson(json);
      expect(toHex(encodeWorkload(workload))).to.equal(encoded);
      expect(toHex(hashDeployment(workload))).to.equal(hash);
      expect(encodeWorkload(decodeWorkload(encodeWorkload(workload)))).to.deep.equal(encodeWorkload(workload));
    });
  }

  it("is what its document says, as an encoder made from the document alone has it", () => {
    fc.assert(
      fc.property(workloadArbitrary, (workload) => {
        const expected = createHash("sha256").update(domain, "ascii").update(encodeByDocument(workload)).digest("hex");
        expect(toHex(hashDeployment(workload))).to.equal(expected);
      }),
    );
  });

  it("does not depend on the order of keys, nor on being decoded and encoded again", () => {
    fc.assert(
      fc.property(workloadArbitrary, (workload) => {
        const hash = hashDeployment(workload);
        expect(hashDeployment(reversedKeys(workload) as Workload)).to.deep.equal(hash);
        expect(hashDeployment(decodeWorkload(encodeWorkload(workload)))).to.deep.equal(hash);
      }),
    );
  });

  it("changes with any leaf of any workload", () => {
    fc.assert(
      fc.property(workloadArbitrary, fc.nat(), (workload, at) => {
        const leaves = pathsOf(workload);
        const path = leaves[at % leaves.length] ?? [];
        const changed = encodeCanonical(changedAt(workload, path));
        expect(toHex(hashEncodedDeployment(changed)), path.join(".")).not.to.equal(toHex(hashDeployment(workload)));
      }),
      { numRuns: 400 },
    );
  });

  it("changes with every single field of an example with all of them", () => {
    const [container] = exampleWorkload().containers;
    const full = exampleWorkload({
      containers: [exampleContainer({ ...container, entrypoint: ["/init"], restart: "no" })],
    });
    const hashes = pathsOf(full).map((path) => hashEncodedDeployment(encodeCanonical(changedAt(full, path))));
    expect(new Set([...hashes, hashDeployment(full)].map(toHex))).to.have.lengthOf(hashes.length + 1);
  });

  it("tells texts apart that Unicode holds for equivalent", () => {
    const of = (name: string): string => {
      const [container] = exampleWorkload().containers;
      const environment = { NAME: name };
      return toHex(hashDeployment(exampleWorkload({ containers: [exampleContainer({ ...container, environment })] })));
    };
    expect("caf\u00e9".normalize("NFD")).to.equal("cafe\u0301");
    expect(of("caf\u00e9")).not.to.equal(of("cafe\u0301"));
  });
});

type Path = readonly (string | number)[];

/** Where the values are that are neither lists nor maps. */
function pathsOf(value: unknown, at: Path = []): Path[] {
  if (value === undefined) return [];
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return [at];
  if (Array.isArray(value)) return value.flatMap((item, index) => pathsOf(item, [...at, index]));
  return Object.entries(value).flatMap(([key, field]) => pathsOf(field, [...at, key]));
}

/** A copy with another value at one place. */
function changedAt(value: unknown, [head, ...rest]: Path): unknown {
  if (head === undefined) return another(value);
  if (Array.isArray(value)) return value.map((item: unknown, index) => (index === head ? changedAt(item, rest) : item));
  return { ...(value as object), [head]: changedAt((value as Record<string, unknown>)[head], rest) };
}

function another(value: unknown): unknown {
  if (typeof value === "bigint") return value ^ 1n;
  if (typeof value === "number") return value ^ 1;
  if (typeof value === "boolean") return !value;
  if (value instanceof Uint8Array) return value.map((byte, index) => (index === 0 ? byte ^ 1 : byte));
  return `${String(value)}x`;
}

function reversedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversedKeys);
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).map(([key, field]) => [key, reversedKeys(field)] as const);
  return Object.fromEntries(entries.reverse());
}

/** What docs/spec/deployment-hash.md says, written from it and from nothing else. */
function encodeByDocument(value: unknown): Buffer {
  if (typeof value === "number" || typeof value === "bigint") return head(0, BigInt(value));
  if (typeof value === "boolean") return Buffer.from([value ? 0xf5 : 0xf4]);
  if (typeof value === "string") return withLength(3, Buffer.from(value, "utf8"));
  if (value instanceof Uint8Array) return withLength(2, Buffer.from(value));
  if (Array.isArray(value)) return Buffer.concat([head(4, BigInt(value.length)), ...value.map(encodeByDocument)]);
  const pairs = Object.entries(value as object)
    .filter(([, field]) => field !== undefined)
    .map(([key, field]) => ({ key: Buffer.from(key, "utf8"), field: encodeByDocument(field) }))
    .sort((a, b) => a.key.length - b.key.length || Buffer.compare(a.key, b.key));
  const body = pairs.flatMap(({ key, field }) => [withLength(3, key), field]);
  return Buffer.concat([head(5, BigInt(pairs.length)), ...body]);
}

function withLength(type: number, bytes: Buffer): Buffer {
  return Buffer.concat([head(type, BigInt(bytes.length)), bytes]);
}

function head(type: number, argument: bigint): Buffer {
  if (argument < 24n) return Buffer.from([32 * type + Number(argument)]);
  const bytes = argument < 1n << 8n ? 1 : argument < 1n << 16n ? 2 : argument < 1n << 32n ? 4 : 8;
  const digits = argument.toString(16).padStart(bytes * 2, "0");
  return Buffer.concat([Buffer.from([32 * type + 24 + Math.log2(bytes)]), Buffer.from(digits, "hex")]);
}
