import { createRequire } from "node:module";

import hardhatToolboxMochaEthers from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { configVariable, defineConfig } from "hardhat/config";

import { sortedArtifacts } from "./scripts/hardhat/sorted-artifacts.ts";

// The npm package of the compiler is used so that a build never downloads one.
const soljson = createRequire(import.meta.url).resolve("solc/soljson.js");

export default defineConfig({
  plugins: [sortedArtifacts, hardhatToolboxMochaEthers],
  solidity: {
    version: "0.8.37",
    path: soljson,
    settings: {
      evmVersion: "osaka",
      optimizer: { enabled: true, runs: 200 },
    },
  },
  networks: {
    // The chain inside `npm run devnet`: it mines each transaction at once and a block every second besides.
    node: {
      type: "edr-simulated",
      chainType: "l1",
      mining: { auto: true, interval: 1000 },
    },
    devnet: {
      type: "http",
      chainType: "l1",
      url: configVariable("SPRF_CHAIN_URL"),
    },
  },
  // Their namespaces are not erasable syntax, which the compiler demands of the rest.
  typechain: { outDir: "typechain-types", tsNocheck: true },
  test: {
    mocha: { timeout: 60_000, forbidOnly: true, forbidPending: true },
    solidity: { fuzz: { runs: 64 }, invariant: { runs: 32, depth: 64, failOnRevert: false } },
  },
});
