import { globSync, statSync } from "node:fs";
import { join } from "node:path";

/** Helpers hold no tests; programs in there are started by tests. */
const NOT_TESTS = ["test/helpers/", "test/fixtures/", "test/vectors/"];

/**
 * Tests that need more than Node, or more than a minute; everything else belongs to `npm test`, also files of which only some tests need
 * more.
 */
const NOT_NODE_ONLY = [
  "test/src/adapters/content-store/kubo.test.ts",
  "test/src/adapters/engine/docker-compliance.test.ts",
  "test/src/adapters/engine/image-cache.test.ts",
  "test/src/adapters/engine/runsc.test.ts",
  "test/src/adapters/postgres/",
  "test/src/adapters/run-queue",
  "test/src/worker/runs/back-pressure.test.ts",
  "test/src/adapters/workloads/docker-compliance.test.ts",
  "test/src/adapters/workloads/real-workloads.test.ts",
  "test/contracts/channels/ChannelReplay.random.test.ts",
  "test/simulation-channel/faults.test.ts",
  "test/src/audit/docker.test.ts",
  "test/src/channel/relay.test.ts",
  "test/src/cli/completion.test.ts",
  "test/src/create-node.test.ts",
  "test/src/node/docker-node.test.ts",
  "test/e2e/channel-differential.test.ts",
  "test/e2e/channel-guard.test.ts",
  "test/e2e/channel-input.test.ts",
  "test/e2e/channel-land.test.ts",
  "test/e2e/channel-lies.test.ts",
  "test/e2e/channel-memory.test.ts",
  "test/e2e/channels.test.ts",
  "test/e2e/channel-whole",
  "test/e2e/compose",
  "test/e2e/docker",
  "test/e2e/executions.test.ts",
  "test/e2e/grid",
  "test/e2e/commands-",
  "test/e2e/dashboard",
  "test/e2e/go-waku.test.ts",
  "test/e2e/guide-",
  "test/e2e/kubo",
  "test/e2e/light-client.test.ts",
  "test/e2e/runners",
  "test/e2e/operations.test.ts",
  "test/e2e/request-ids.test.ts",
  "test/e2e/wasi.test.ts",
];

/** Run when they are named: a dozen processes and more want a machine of more than two cores, and a dozen deployments many minutes. */
const BY_NAME = ["test/e2e/channels-by-relays.test.ts", "test/e2e/grid-full.test.ts", "test/e2e/market.test.ts"];

export interface TestFiles {
  readonly mocha: readonly string[];
  readonly solidity: readonly string[];
}

/** `node-only` is `npm test`, `real-parts` what that leaves out, `end-to-end` all of `test/e2e`. */
export type Selection = "node-only" | "end-to-end" | "real-parts";

/** Chooses what runs: named files and folders, else a selection. Paths are relative to the repository's root. */
export function selectFiles(named: readonly string[], selection: Selection): TestFiles {
  if (named.length === 0) {
    const all = filesUnder(selection === "end-to-end" ? "test/e2e" : "test", "ts");
    switch (selection) {
      case "node-only":
        return { mocha: all.filter((file) => !isLeftOut(file)), solidity: solidityTests() };
      case "end-to-end":
        return { mocha: all, solidity: [] };
      case "real-parts":
        return { mocha: all.filter(isLeftOut), solidity: [] };
    }
  }
  const files = named.flatMap((path) => {
    const isFolder = statSync(path).isDirectory();
    return isFolder ? [...filesUnder(path, "ts"), ...filesUnder(path, "sol")] : [join(path)];
  });
  return {
    mocha: files.filter((file) => !file.endsWith(".sol")),
    solidity: files.filter((file) => file.endsWith(".t.sol")),
  };
}

/** Every Solidity test. */
export function solidityTests(): string[] {
  return filesUnder("test", "t.sol");
}

function isLeftOut(file: string): boolean {
  return NOT_NODE_ONLY.some((prefix) => file.startsWith(prefix));
}

function filesUnder(folder: string, extension: string): string[] {
  return globSync(join(folder, `**/*.${extension}`))
    .filter((file) => ![...NOT_TESTS, ...BY_NAME].some((prefix) => file.startsWith(prefix)) && !file.endsWith(".d.ts"))
    .sort();
}
