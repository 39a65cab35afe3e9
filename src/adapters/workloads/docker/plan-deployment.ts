import type { WorkloadContainer, WorkloadSpec } from "../../../ports/workloads.ts";
import { containerLabelOf, type ContainerLabel } from "./labels.ts";

/** A container of a deployment, as Docker lists it. */
export interface FoundContainer {
  readonly id: string;
  readonly label: ContainerLabel;
  readonly deploymentHash: string;
  readonly running: boolean;
  /** On both networks; one that is not was being replaced, or was to replace another. */
  readonly serving: boolean;
}

export interface PlannedContainer {
  readonly container: WorkloadContainer;
  readonly label: ContainerLabel;
  /** What has served under that name until now. */
  readonly current: FoundContainer | undefined;
  /**
   * - `keep`: it is as it should be.
   * - `add`: nothing stands in its way.
   * - `beside`: made ready beside the current one, then given its ports.
   * - `in-place`: started when what holds its data or ports has stopped.
   */
  readonly way: "keep" | "add" | "beside" | "in-place";
}

export interface DeploymentPlan {
  /** What a crash left between two versions; goes first. */
  readonly discard: readonly FoundContainer[];
  readonly containers: readonly PlannedContainer[];
  /** Stopped before those `in-place` start. */
  readonly stop: readonly FoundContainer[];
  /** Goes when the new version is ready. */
  readonly retire: readonly FoundContainer[];
}

/**
 * How to come from what is found to what is asked for. Two containers never have a volume at the same time unless one version
 * has it so: two servers on one database's files would destroy them.
 */
export function planDeployment(spec: WorkloadSpec, found: readonly FoundContainer[]): DeploymentPlan {
  const currents = currentOnes(found);
  const generation = 1 + Math.max(0, ...found.map(({ label }) => label.generation));
  const wanted = spec.containers.map((container, position) => {
    const label = containerLabelOf(container, { generation, position });
    const current = currents.find((each) => each.label.name === container.name);
    return { container, label, current, kept: current?.label.fingerprint === label.fingerprint };
  });
  const kept = new Set(wanted.flatMap(({ kept: isKept, current }) => (isKept && current ? [current] : [])));
  const retire = currents.filter((each) => !kept.has(each));
  const stop = new Set<FoundContainer>();
  const containers = wanted.map(({ container, label, current, kept: isKept }): PlannedContainer => {
    if (isKept) return { container, label, current, way: "keep" };
    const inTheWay = retire.filter(
      (old) => sharesVolume(old.label, label) || (old !== current && sharesPort(old.label, label)),
    );
    if (inTheWay.length === 0) return { container, label, current, way: current === undefined ? "add" : "beside" };
    for (const old of current === undefined ? inTheWay : [current, ...inTheWay]) stop.add(old);
    return { container, label, current, way: "in-place" };
  });
  return { discard: found.filter((each) => !currents.includes(each)), containers, stop: [...stop], retire };
}

/**
 * Of each name one. While a version replaces another, the older one is the one to go back to for as long as it has the ports;
 * once it has lost them, the newer one has proved itself.
 */
function currentOnes(found: readonly FoundContainer[]): FoundContainer[] {
  const byName = Map.groupBy(found, ({ label }) => label.name);
  return [...byName.values()].flatMap((same) => {
    const oldestFirst = same.toSorted((a, b) => a.label.generation - b.label.generation);
    const current = oldestFirst.find(({ serving }) => serving) ?? oldestFirst[0];
    return current === undefined ? [] : [current];
  });
}

function sharesVolume(a: ContainerLabel, b: ContainerLabel): boolean {
  return a.volumes.some(({ name }) => b.volumes.some((other) => other.name === name));
}

function sharesPort(a: ContainerLabel, b: ContainerLabel): boolean {
  return a.ports.some((port) => b.ports.includes(port));
}
