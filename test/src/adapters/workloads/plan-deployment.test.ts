import { expect } from "chai";
import fc from "fast-check";

import { containerLabelOf, fingerprintOf } from "../../../../src/adapters/workloads/docker/labels.ts";
import { type FoundContainer, planDeployment } from "../../../../src/adapters/workloads/docker/plan-deployment.ts";
import type { WorkloadContainer, WorkloadSpec } from "../../../../src/ports/workloads.ts";
import { scriptOf, serverOf, specOf } from "../../../helpers/workload-specs.ts";

const IMAGE = `host/repository@sha256:${"0".repeat(64)}`;

function containerOf(init: { name: string; version: number; volumes: string[]; ports: number[] }): WorkloadContainer {
  return scriptOf(IMAGE, `version ${init.version}`, {
    name: init.name,
    volumes: init.volumes.map((name) => ({ name, path: `/${name}`, sizeBytes: 1 })),
    ports: init.ports.map((hostPort) => ({
      containerPort: 80,
      hostAddress: "127.0.10.1",
      hostPort,
      protocol: "tcp",
    })),
  });
}

const container = fc
  .record({
    name: fc.constantFrom("a", "b", "c"),
    version: fc.nat({ max: 1 }),
    volumes: fc.uniqueArray(fc.constantFrom("v", "w"), { maxLength: 2 }),
    ports: fc.uniqueArray(fc.nat({ max: 2 }), { maxLength: 2 }),
  })
  .map(containerOf);
/** Whose published ports are its own, as `checkSpec` sees to. */
const spec = fc
  .uniqueArray(container, { minLength: 1, maxLength: 3, selector: ({ name }) => name })
  .map((containers): WorkloadSpec => {
    const taken = new Set<number>();
    const own = containers.map((each) => ({
      ...each,
      ports: each.ports.filter(({ hostPort }) => !taken.has(hostPort) && taken.add(hostPort)),
    }));
    return specOf("1", "aa", ...own);
  });

function foundOf(of: WorkloadSpec, generation: number, rest: Partial<FoundContainer> = {}): FoundContainer[] {
  return of.containers.map((each, position) => ({
    id: `${each.name}-${generation}`,
    label: containerLabelOf(each, { generation, position }),
    deploymentHash: "aa",
    running: true,
    serving: true,
    ...rest,
  }));
}

const found = fc
  .array(fc.tuple(spec, fc.boolean(), fc.boolean()), { maxLength: 3 })
  .map((made) => made.flatMap(([of, running, serving], at) => foundOf(of, at + 1, { running, serving })));

describe("plan of a deployment", () => {
  it("finds nothing to do when all is as it should be", () => {
    fc.assert(
      fc.property(spec, (wanted) => {
        const plan = planDeployment(wanted, foundOf(wanted, 1));
        expect(plan.containers.map(({ way }) => way)).to.deep.equal(wanted.containers.map(() => "keep"));
        expect([plan.discard, plan.stop, plan.retire]).to.deep.equal([[], [], []]);
      }),
    );
  });

  it("has a place for all that is found, and never lets two versions have one volume or port", () => {
    fc.assert(
      fc.property(spec, found, (wanted, there) => {
        const plan = planDeployment(wanted, there);
        const kept = plan.containers.flatMap(({ way, current }) => (way === "keep" && current ? [current] : []));
        expect([...plan.discard, ...plan.retire, ...kept].map(({ id }) => id)).to.have.members(
          there.map(({ id }) => id),
        );
        expect(plan.retire).to.include.members([...plan.stop]);
        expect(plan.containers.map((each) => each.container)).to.deep.equal(wanted.containers);
        for (const { label, way, current } of plan.containers) {
          if (way === "keep") continue;
          for (const old of plan.retire) {
            const stops = way === "in-place" && plan.stop.includes(old);
            const sharesData = old.label.volumes.some(({ name }) => label.volumes.some((own) => own.name === name));
            const sharesPort = old.label.ports.some((port) => label.ports.includes(port));
            if (sharesData || (sharesPort && old !== current)) expect(stops).to.equal(true);
          }
        }
      }),
    );
  });

  it("goes back to the one that has the ports, and to the older one when neither or both do", () => {
    const one = specOf("1", "aa", serverOf(IMAGE, "one"));
    const two = specOf("1", "bb", serverOf(IMAGE, "two"));
    const currentOf = (...there: FoundContainer[]): string | undefined => {
      const [only] = planDeployment(specOf("1", "cc", serverOf(IMAGE, "three")), there).containers;
      return only?.current?.id;
    };
    for (const [older, newer, current] of [
      [true, true, "web-1"],
      [true, false, "web-1"],
      [false, true, "web-2"],
      [false, false, "web-1"],
    ] as const) {
      const there = [...foundOf(two, 2, { serving: newer }), ...foundOf(one, 1, { serving: older })];
      expect(currentOf(...there)).to.equal(current);
    }
  });

  it("tells containers apart by all that was asked of them, and not by the order of variables", () => {
    const base = containerOf({ name: "a", version: 1, volumes: ["v"], ports: [1] });
    const changes: Partial<WorkloadContainer>[] = [
      { name: "b" },
      { image: `${IMAGE.slice(0, -1)}1` },
      { entrypoint: ["other"] },
      { command: [] },
      { environment: { TEXT: "other" } },
      { cpuMillis: 1 },
      { memoryBytes: 1 },
      { volumes: [] },
      { volumes: base.volumes.map((volume) => ({ ...volume, readOnly: true })) },
      { ports: [] },
      { restart: "no" },
      { user: "1" },
      { healthCheck: { command: ["x"], intervalMs: 1, timeoutMs: 1, retries: 1 } },
    ];
    const all = [base, ...changes.map((change) => ({ ...base, ...change }))].map(fingerprintOf);
    expect(new Set(all).size).to.equal(all.length);
    const writable = base.volumes.map((volume) => ({ ...volume, readOnly: false }));
    expect(fingerprintOf({ ...base, volumes: writable })).to.equal(fingerprintOf(base));
    expect(fingerprintOf({ ...base, environment: { A: "1", B: "2" } })).to.equal(
      fingerprintOf({ ...base, environment: { B: "2", A: "1" } }),
    );
  });
});
