import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

import hardhatToolboxMochaEthers from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { defineConfig } from "hardhat/config";

import { buildsInTurn } from "./scripts/hardhat/builds-in-turn.ts";
import { sortedArtifacts } from "./scripts/hardhat/sorted-artifacts.ts";

// What `npx sprf devnet` writes while it is up.
const DEVNET_FILE = process.env["SPRF_DEVNET_FILE"] || ".sprf/devnet.json";

// The npm package of the compiler is used so that a build never downloads one.
const soljson = createRequire(import.meta.url).resolve("solc/soljson.js");

/** `SPRF_CHAIN_URL`, else the devnet that is up, else where a node usually listens. */
function devnetChainUrl(): string {
  const { SPRF_CHAIN_URL: given } = process.env;
  if (given !== undefined && given !== "") return given;
  if (!existsSync(DEVNET_FILE)) return "http://127.0.0.1:8545";
  const { networks } = JSON.parse(readFileSync(DEVNET_FILE, "utf8")) as { networks: { chain: { rpcUrl: string } } };
  return networks.chain.rpcUrl;
}

export default defineConfig({
  plugins: [buildsInTurn, sortedArtifacts, hardhatToolboxMochaEthers],
  solidity: {
    version: "0.8.37",
    path: soljson,
    settings: {
      evmVersion: "osaka",
      optimizer: { enabled: true, runs: 200 },
      // Programs of channels are scanned to their last byte, so nothing that is not code may stand there. All contracts share one
      // setting, because the tools that build them again know one.
      metadata: { appendCBOR: false },
    },
  },
  networks: {
    devnet: {
      type: "http",
      chainType: "l1",
      url: devnetChainUrl(),
    },
  },
  ignition: { requiredConfirmations: 1 },
  // Their namespaces are not erasable syntax, which the compiler demands of the rest.
  typechain: { outDir: "typechain-types", tsNocheck: true },
  // What is measured would not pass the scan of a channel's program, and has other gas than what it measures itself.
  coverage: {
    skipFiles: [
      "contracts/channels/ChannelScratch.sol",
      "contracts/**/*Program.sol",
      "contracts/mocks/**/*.sol",
      "contracts/channels/Channel{Context,Precompiles}.sol",
      "contracts/libraries/{ChannelSlots,LandMap,Utf8}.sol",
    ],
  },
  test: {
    mocha: { timeout: 60_000, forbidOnly: true, forbidPending: true },
    // `npm run test:long` plays longer. The play reverts when a check in it fails; a failure is shown soon rather than short,
    // since one try to shorten it plays a whole sequence.
    solidity: { fuzz: { runs: 64 }, invariant: { runs: 24, depth: 48, failOnRevert: true, shrinkRunLimit: 64 } },
  },
});
