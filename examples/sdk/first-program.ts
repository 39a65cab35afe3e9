// What the README shows, whole: on a devnet with three workers and three testers up, buys an agreement, makes a program and runs it.
// npx node examples/sdk/first-program.ts
import { readFileSync } from "node:fs";

import { connect, type NetworkSettings } from "sprf";

const BOOKKEEPING = "examples/programs/bookkeeping-wasi";
const devnet = process.env["SPRF_DEVNET_FILE"] ?? ".sprf/devnet.json";
const { networks, mnemonic } = JSON.parse(readFileSync(devnet, "utf8")) as {
  networks: NetworkSettings;
  mnemonic: string;
};
const wasmModule = new Uint8Array(readFileSync(`${BOOKKEEPING}/bookkeeping.wasm`));
const entries = new Uint8Array(readFileSync(`${BOOKKEEPING}/january.csv`));

const sprf = await connect({ networks, mnemonic });
await sprf.ensureTwin();
const { agreement } = await sprf.buyBest({ redundancy: 3, lengthBlocks: 600, minReputationBps: 5_000 });
const workers = await sprf.findWorkers(agreement);

const cid = await sprf.putFile(wasmModule);
const { program } = await sprf.createProgram({
  agreement,
  terms: {
    program: { kind: "wasi", cid },
    baseFeeStroops: 1_000n,
    gasPriceStroops: 1_000n,
    workers: workers.map(({ apiUrl, ledgerKey }) => ({ address: apiUrl, ledgerKey })),
  },
});
const { output, transition } = await sprf.execute({ program, input: { bytes: entries } });

console.log(new TextDecoder().decode(output));
console.log(`anchored in ledger ${transition?.ledger}`);
await sprf.close();
